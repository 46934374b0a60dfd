"""The life of adapters, and who is live, under concurrency."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from inference import registry
from inference.contracts import BASE
from inference.errors import PolicyNotServable, UnknownPolicy
from inference.models import Activation, PolicyVersion

DIGEST = "0123456789abcdef" * 4

pytestmark = pytest.mark.django_db


def staged(digest=DIGEST, path="/adapters/one"):
    return registry.stage(path, digest, registry.base(), {"seed": 1})


def ready(digest=DIGEST):
    return registry.accept(staged(digest))


def test_the_base_is_live_until_something_else_is():
    assert registry.live() == registry.base()
    assert registry.resolve("danas") == registry.resolve("base") == registry.base()
    assert registry.as_policy(registry.base()) == BASE
    assert registry.base().state == PolicyVersion.State.READY


def test_a_staged_version_is_named_by_number_and_digest():
    first, second = staged(), staged("f" * 64)

    assert (first.name, first.number) == ("danas-v1-01234567", 1)
    assert (second.name, second.number) == ("danas-v2-ffffffff", 2)
    assert first.state == PolicyVersion.State.STAGED
    assert registry.as_policy(first).path == "/adapters/one"


def test_a_version_that_passed_no_gate_is_not_served():
    version = staged()

    with pytest.raises(PolicyNotServable, match="staged"):
        registry.resolve(version.name)
    with pytest.raises(PolicyNotServable, match="staged"):
        registry.activate(version.name, "Ada")
    assert registry.live() == registry.base()


def test_a_rejected_version_stays_rejected_and_says_why():
    version = registry.reject(staged(), "general text got worse")

    assert version.manifest["rejected"] == "general text got worse"
    with pytest.raises(PolicyNotServable):
        registry.accept(version)
    with pytest.raises(PolicyNotServable):
        registry.activate(version.name, "Ada")


def test_accepting_twice_is_accepting_once():
    version = ready()

    assert registry.accept(version).state == PolicyVersion.State.READY


def test_an_activated_version_answers_and_the_flip_is_on_record():
    version = ready()

    registry.activate(version.name, "Ada")

    assert registry.live() == registry.resolve("danas") == version
    (flip,) = Activation.objects.all()
    assert (flip.previous, flip.policy, flip.by) == (registry.base(), version, "Ada")


def test_going_back_is_activating_an_older_one():
    first, second = ready(), ready("f" * 64)
    for name in (first.name, second.name, first.name, "base"):
        registry.activate(name, "Ada")

    assert registry.live() == registry.base()
    flips = [flip.policy.number for flip in Activation.objects.order_by("pk")]
    assert flips == [1, 2, 1, 0]


def test_activating_what_is_live_is_no_flip():
    version = ready()
    registry.activate(version.name, "Ada")

    assert registry.activate(version.name, "Ben") is None
    assert Activation.objects.count() == 1


def test_a_live_version_cannot_be_retired_and_a_retired_one_not_be_live():
    version = ready()
    registry.activate(version.name, "Ada")
    with pytest.raises(PolicyNotServable, match="is live"):
        registry.retire(version)

    registry.activate("base", "Ada")
    registry.retire(version)
    with pytest.raises(PolicyNotServable, match="retired"):
        registry.activate(version.name, "Ada")


def test_an_unknown_name_is_told_apart():
    with pytest.raises(UnknownPolicy, match="gpt-4"):
        registry.resolve("gpt-4")
    with pytest.raises(UnknownPolicy):
        registry.activate("danas-v9-00000000", "Ada")


def test_versions_are_listed_newest_first():
    first, second = staged(), staged("f" * 64)

    assert list(registry.versions()) == [second, first, registry.base()]


@pytest.mark.django_db(transaction=True)
def test_versions_staged_at_once_get_numbers_of_their_own():
    registry.base()

    versions = at_once(8, lambda index: staged(f"{index:064x}"))

    assert sorted(version.number for version in versions) == list(range(1, 9))


@pytest.mark.django_db(transaction=True)
def test_flips_at_once_follow_one_another():
    names = [ready(f"{index:064x}").name for index in range(6)]

    at_once(6, lambda index: registry.activate(names[index], "Ada"))

    flips = list(Activation.objects.order_by("pk"))
    assert len(flips) == 6
    assert flips[0].previous == registry.base()
    chain = sorted((flip.previous_id, flip.policy_id) for flip in flips)
    assert len({previous for previous, _ in chain}) == 6
    assert registry.live().pk not in {previous for previous, _ in chain}


def at_once(count, act):
    def run(index):
        try:
            return act(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))
