"""What becomes of a version after its gates."""

import pytest

from inference import registry, routing
from inference.models import PolicyVersion, Split
from learning import canary, ledger
from learning.errors import LeaseLost
from learning.models import LedgerEntry, Trial, Update
from learning.worker import lease as leases
from learning.worker.verdict import conclude

pytestmark = pytest.mark.django_db
State = Update.State
GATES = [{"name": "finite weights", "passed": True}, {"name": "kl", "passed": False}]


def examined(*, digest="ab" * 32, **values):
    """An update whose version was held to the gates, and the version."""
    update = Update.objects.create(requested_by="Ada", **values)
    lease = leases.take(update.pk)
    person = values.get("person")
    version = registry.stage(f"/x/{digest[:2]}", digest, registry.live(), {}, person)
    lease.save(state=State.GATING, policy=version.name, gates=GATES)
    return lease, version


def ended(lease):
    return Update.objects.get(pk=lease.update_id)


def told(kind):
    return [(entry.subject, entry.body) for entry in LedgerEntry.objects.filter(kind=kind)]


def test_what_passed_its_gates_goes_live():
    lease, version = examined()

    conclude(lease, version, registry.base(), "")

    assert registry.live() == version
    assert (ended(lease).state, ended(lease).reason) == (
        State.LIVE,
        "It passed its gates and is live.",
    )
    gates = {"finite weights": True, "kl": False}
    assert told(ledger.Kind.EXAMINED) == [(version.name, {"passed": True, "gates": gates})]
    by = f"update {lease.update_id}"
    assert told(ledger.Kind.ACTIVATED) == [(version.name, {"by": by, "previous": "base"})]


def test_what_a_gate_refused_changes_nothing_but_its_own_rows():
    lease, version = examined()

    conclude(lease, version, registry.base(), "It forgot too much.")

    version.refresh_from_db()
    assert version.state == PolicyVersion.State.REJECTED
    assert (ended(lease).state, ended(lease).reason) == (State.REJECTED, "It forgot too much.")
    assert registry.live() == registry.base()
    assert told(ledger.Kind.EXAMINED)[0][1]["passed"] is False
    assert not told(ledger.Kind.ACTIVATED)


def test_a_canary_is_tried_out_and_has_not_ended():
    lease, version = examined(canary=True)

    conclude(lease, version, registry.base(), "")

    update = ended(lease)
    assert (update.state, update.finished_at) == (State.CANARY, None)
    assert update.reason == "It passed its gates and is tried out with 5 % of people."
    assert (update.trial.policy, update.trial.share) == (version.name, 5)
    assert Split.objects.get().policy == version
    assert registry.live() == registry.base()


def test_a_second_canary_has_to_wait_for_a_better_time():
    first, version = examined(canary=True)
    conclude(first, version, registry.base(), "")
    second, newer = examined(digest="cd" * 32, canary=True)

    conclude(second, newer, registry.base(), "")

    assert ended(first).state == State.CANARY
    assert ended(second).state == State.REJECTED
    assert "another version was being tried out" in ended(second).reason
    assert newer.state == PolicyVersion.State.READY


def test_a_version_that_goes_live_ends_the_trial_of_another():
    first, version = examined(canary=True)
    conclude(first, version, registry.base(), "")
    second, newer = examined(digest="cd" * 32)

    conclude(second, newer, registry.base(), "")

    assert registry.live() == newer
    assert Trial.objects.get().state == Trial.State.STOPPED
    assert ended(first).state == State.REJECTED
    assert not canary.is_running()


def test_a_personal_adapter_answers_its_owner_and_leaves_the_live_policy():
    lease, version = examined(person=1, canary=True)
    other = registry.accept(registry.stage("/x/y", "99" * 32, registry.base(), {}))
    registry.activate(other.name, by="Ada")

    conclude(lease, version, registry.base(), "")

    assert ended(lease).state == State.LIVE
    assert registry.live() == other
    assert routing.policy_for(1, "danas") == version
    assert routing.policy_for(2, "danas") == other


def test_a_policy_that_was_activated_by_hand_meanwhile_stays():
    lease, version = examined(canary=True)
    other = registry.accept(registry.stage("/x/y", "99" * 32, registry.base(), {}))
    registry.activate(other.name, by="Ada")

    conclude(lease, version, registry.base(), "")

    assert ended(lease).state == State.REJECTED
    assert "changed meanwhile" in ended(lease).reason
    assert registry.live() == other
    assert not canary.is_running()


def test_a_learner_that_was_replaced_changes_nothing():
    lease, version = examined()
    Update.objects.update(attempts=2)

    with pytest.raises(LeaseLost):
        conclude(lease, version, registry.base(), "")

    version.refresh_from_db()
    assert version.state == PolicyVersion.State.STAGED
    assert registry.live() == registry.base()
    assert not LedgerEntry.objects.exists()
