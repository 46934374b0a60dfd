import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from learning.errors import LeaseLost
from learning.models import Update
from learning.worker import lease as leases

pytestmark = pytest.mark.django_db
State = Update.State


def queued() -> Update:
    return Update.objects.create(requested_by="Ada")


def its_learner_died(update: Update) -> None:
    Update.objects.filter(pk=update.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=1))


def test_an_update_that_waits_is_taken_once():
    update = queued()

    first, second = leases.take(update.pk), leases.take(update.pk)

    update.refresh_from_db()
    assert (update.state, update.attempts) == (State.TRAINING, 1)
    assert first == leases.Lease(update.pk, 1)
    assert second is None


def test_an_update_whose_learner_died_is_taken_once_more():
    update = queued()
    first = leases.take(update.pk)
    its_learner_died(update)

    second = leases.take(update.pk)

    assert second == leases.Lease(update.pk, 2)
    with pytest.raises(LeaseLost):
        first.save(reason="I am still here")


def test_an_update_that_killed_two_learners_is_given_up():
    update = queued()
    for _ in range(2):
        leases.take(update.pk)
        its_learner_died(update)

    assert leases.take(update.pk) is None

    update.refresh_from_db()
    assert (update.state, update.reason) == (
        State.FAILED,
        "The learner died in the middle of it, twice.",
    )
    assert update.finished_at is not None


def test_a_finished_update_is_not_taken_again():
    update = queued()
    leases.take(update.pk).finish(State.LIVE, "It is live.")

    assert leases.take(update.pk) is None


def test_whoever_finished_cannot_write_any_more():
    lease = leases.take(queued().pk)
    lease.finish(State.REJECTED, "No.")

    with pytest.raises(LeaseLost):
        lease.finish(State.LIVE, "Yes.")


@pytest.mark.django_db(transaction=True)
def test_a_lease_gives_signs_of_life_by_itself(monkeypatch):
    monkeypatch.setattr(leases, "BEAT_EVERY_S", 0.05)
    update = queued()
    lease = leases.take(update.pk)
    its_learner_died(update)

    with lease.beating():
        threading.Event().wait(0.5)

    update.refresh_from_db()
    assert timezone.now() - update.heartbeat_at < timedelta(seconds=10)
