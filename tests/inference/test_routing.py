"""Who is answered by what."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inference import eviction, registry, routing
from inference.errors import PolicyNotServable, UnknownPolicy
from inference.models import PersonalAlias, PolicyChoice, PolicyVersion, Split

ADA, BEN = 1, 2

pytestmark = pytest.mark.django_db


def ready(digest="ab" * 32, person=None):
    version = registry.stage(f"/adapters/{digest[:2]}", digest, registry.base(), {}, person)
    return registry.accept(version)


def live(digest="aa" * 32):
    version = ready(digest)
    registry.activate(version.name, "test")
    return version


def own(person=ADA, digest="cd" * 32):
    version = ready(digest, person)
    registry.give_own(version)
    return version


def tried(share, digest="ef" * 32):
    version = ready(digest)
    Split.objects.create(alias="danas", policy=version, share=share)
    return version


def test_everybody_is_answered_by_the_live_version():
    assert routing.policy_for(ADA, "danas") == registry.base()

    version = live()

    assert routing.policy_for(ADA, "danas") == routing.policy_for(BEN, "danas") == version
    assert routing.policy_for(ADA, "base") == registry.base()
    assert routing.policy_for(ADA, version.name) == version


def test_a_personal_adapter_answers_its_owner_only():
    shared, hers = live(), own(ADA)

    assert routing.policy_for(ADA, "danas") == hers
    assert routing.policy_for(BEN, "danas") == shared
    assert routing.policy_for(ADA, hers.name) == hers
    with pytest.raises(UnknownPolicy, match="no model"):
        routing.policy_for(BEN, hers.name)
    with pytest.raises(UnknownPolicy, match="no model"):
        routing.check(BEN, hers.name)


def test_a_personal_adapter_can_not_be_made_live_for_everybody():
    hers = own(ADA)

    with pytest.raises(PolicyNotServable, match="one person's own"):
        registry.activate(hers.name, "Ben")


def test_one_may_use_what_is_everybodys_or_ones_own():
    shared, hers = live(), own(ADA)
    registry.stage("/adapters/x", "99" * 32, registry.base(), {})

    assert routing.usable(ADA) == [hers, shared, registry.base()]
    assert routing.usable(BEN) == [shared, registry.base()]


def test_what_a_person_chose_comes_before_their_own_adapter():
    shared, hers = live(), own(ADA)
    choice = PolicyChoice.objects.create(person=ADA, policy=registry.base())

    assert routing.policy_for(ADA, "danas") == registry.base()

    choice.policy = None
    choice.save()

    assert routing.policy_for(ADA, "danas") == shared
    choice.delete()
    assert routing.policy_for(ADA, "danas") == hers


def test_a_version_that_was_withdrawn_answers_nobody_however_they_chose_it():
    shared, older = live(), ready("11" * 32)
    PolicyChoice.objects.create(person=ADA, policy=older)
    assert routing.policy_for(ADA, "danas") == older

    registry.retire(older)

    assert routing.policy_for(ADA, "danas") == shared


def test_a_share_of_people_tries_a_version_out_and_stays_with_it_as_the_share_grows():
    live()
    version = tried(5)
    seen = {share: set() for share in (5, 25, 100)}

    for share in seen:
        Split.objects.update(share=share)
        seen[share] = {
            person for person in range(400) if routing.policy_for(person, "danas") == version
        }

    # 400 people, so 20 and 100 are expected; four standard deviations are 17 and 35.
    assert 3 <= len(seen[5]) <= 37
    assert 65 <= len(seen[25]) <= 135
    assert len(seen[100]) == 400
    assert seen[5] < seen[25] < seen[100]


def test_each_trial_draws_its_people_anew():
    drawn = [
        {person for person in range(1_000) if routing.in_share(name, person, 25)}
        for name in ("danas-v1-aaaaaaaa", "danas-v2-bbbbbbbb")
    ]

    # Independent draws share 1,000 / 16 = 62 people; four standard deviations are 31.
    assert 31 <= len(drawn[0] & drawn[1]) <= 93


def test_who_is_answered_by_their_choice_is_no_part_of_a_trial():
    shared, version = live(), tried(100)
    assert routing.route(BEN, "danas") == routing.Route(version, version.name)
    assert routing.route(BEN, shared.name) == routing.Route(shared)

    own(ADA)

    assert routing.route(ADA, "danas").trial == ""
    PolicyChoice.objects.create(person=ADA, policy=None)
    assert routing.route(ADA, "danas").trial == version.name


@pytest.mark.parametrize("model", ["danas", "base"])
def test_asking_costs_one_query(model, django_assert_num_queries):
    live(), own(ADA), tried(25)

    with django_assert_num_queries(1):
        routing.route(BEN, model)
    with django_assert_num_queries(0):
        routing.check(BEN, model)


def test_an_unknown_version_is_told_apart():
    with pytest.raises(UnknownPolicy):
        routing.route(ADA, "gpt-4")


def test_the_use_of_a_personal_adapter_is_noted_once_a_minute(django_assert_num_queries):
    own(ADA)
    with django_assert_num_queries(1):
        routing.route(ADA, "danas")

    PersonalAlias.objects.update(used_at=timezone.now() - timedelta(minutes=2))
    routing.route(ADA, "danas")

    assert timezone.now() - PersonalAlias.objects.get().used_at < timedelta(seconds=10)


def test_the_personal_adapters_that_were_used_longest_ago_make_room(settings):
    settings.PERSONAL_LOADED = 2
    shared = live()
    adapters = [own(person, f"{person:064x}") for person in range(1, 5)]
    for age, version in enumerate(adapters):
        used_at = timezone.now() - timedelta(minutes=age)
        PersonalAlias.objects.filter(policy=version).update(used_at=used_at)
    loaded = {"base", "training-x-1", shared.name, *(version.name for version in adapters)}

    assert set(eviction.surplus(loaded)) == set(adapters[2:])
    assert eviction.surplus(loaded - {version.name for version in adapters[2:]}) == []


def test_a_withdrawn_version_makes_room():
    version = registry.retire(ready())

    assert eviction.surplus({version.name, "base"}) == [version]


def test_forgetting_a_person_deletes_their_adapter(tmp_path):
    adapter = tmp_path / "hers"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    hers = registry.accept(registry.stage(adapter, "cd" * 32, registry.base(), {}, ADA))
    registry.give_own(hers)
    PolicyChoice.objects.create(person=ADA, policy=hers)

    registry.forget_person(ADA)
    eviction.delete_forgotten()

    hers.refresh_from_db()
    assert not adapter.exists()
    assert (hers.state, hers.person, hers.path) == (PolicyVersion.State.RETIRED, None, "")
    assert not PersonalAlias.objects.exists()
    assert not PolicyChoice.objects.exists()
    assert routing.policy_for(ADA, "danas") == registry.base()
