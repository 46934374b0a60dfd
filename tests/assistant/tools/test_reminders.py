"""Reminders: told once at their time, late rather than never, to every open page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.utils import timezone

from assistant import tasks
from assistant.errors import ReminderInvalid, RemindersFull
from assistant.models import Reminder
from assistant.tools import reminders
from tests import factories
from tests.assistant.chat.test_consumers import Tab, signed_in

__all__ = ["signed_in"]
SOON = timedelta(minutes=5)


def due(**values) -> Reminder:
    return factories.reminder(
        factories.ada(), due_at=timezone.now() - timedelta(seconds=1), **values
    )


@pytest.mark.django_db
def test_what_is_due_is_told_once_even_if_the_task_runs_twice():
    reminder = due()

    counts = [reminders.fire(), reminders.fire()]

    reminder.refresh_from_db()
    assert counts == [1, 0]
    assert reminder.fired_at is not None


@pytest.mark.django_db(transaction=True)
def test_what_is_due_is_told_once_by_several_workers_at_the_same_time():
    made = [due(text=f"Plant {n}") for n in range(20)]

    def work(_: int) -> int:
        try:
            return reminders.fire()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        counts = list(workers.map(work, range(4)))

    assert sum(counts) == len(made)


@pytest.mark.django_db
def test_what_was_due_while_nobody_worked_is_told_late():
    missed = factories.reminder(factories.ada(), due_at=timezone.now() - timedelta(days=2))
    later = factories.reminder(factories.ada(), due_at=timezone.now() + SOON)

    tasks.remind()

    missed.refresh_from_db()
    later.refresh_from_db()
    assert (missed.fired_at is None, later.fired_at is None) == (False, True)
    assert [each.pk for each in reminders.listed(factories.ada())] == [missed.pk, later.pk]


@pytest.mark.django_db
def test_a_closed_account_is_reminded_of_nothing():
    reminder = due()
    ada = factories.ada()
    ada.is_active = False
    ada.save()

    reminders.fire()

    reminder.refresh_from_db()
    assert reminder.fired_at is None


@pytest.mark.django_db
def test_the_same_reminder_set_twice_is_one():
    at = timezone.now() + SOON

    first = reminders.add(factories.ada(), "Tea", at)
    again = reminders.add(factories.ada(), " Tea ", at)

    assert again.pk == first.pk


@pytest.mark.django_db
def test_there_is_an_end_to_reminders(monkeypatch):
    monkeypatch.setattr(reminders, "MOST", 1)
    reminders.add(factories.ada(), "Tea", timezone.now() + SOON)

    with pytest.raises(RemindersFull):
        reminders.add(factories.ada(), "Coffee", timezone.now() + SOON)
    reminders.add(factories.ben(), "Tea", timezone.now() + SOON)


@pytest.mark.django_db
@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(days=9_999)])
def test_a_time_that_is_over_or_far_away_is_refused(off):
    with pytest.raises(ReminderInvalid):
        reminders.add(factories.ada(), "Tea", timezone.now() + off)


@pytest.mark.django_db(transaction=True)
async def test_every_open_page_of_the_person_hears_of_it_and_no_other(signed_in):
    ada, cy = await database_sync_to_async(factories.ada)(), None
    cy = await database_sync_to_async(factories.cy)()
    reminder = await database_sync_to_async(due)()

    async with Tab(ada) as one, Tab(ada) as two, Tab(cy) as other:
        await database_sync_to_async(reminders.fire)()

        for tab in (one, two):
            told = await tab.next("reminded")
            assert [each["id"] for each in told["reminders"]] == [str(reminder.pk)]
            assert told["reminders"][0]["fired_at"] is not None
        assert await other.socket.receive_nothing(timeout=0.2)
