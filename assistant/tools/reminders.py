"""Reminders: set, and told at their time to every open page of their person.

Beat asks every few seconds what is due, so none is lost for a worker that was down then; it comes
late. One that was told stays until it is put away, for whoever had no page open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assistant.errors import NotFound, ReminderInvalid, RemindersFull
from assistant.library import notices
from assistant.models import Conversation, Reminder, User
from assistant.texts import storable

LONGEST = 500
MOST = 200
AT_ONCE = 500
# Who says “now” may mean it; what is further back is a mistake.
GRACE = timedelta(minutes=1)
FURTHEST = timedelta(days=3660)


@transaction.atomic
def add(
    person: User, text: str, due_at: datetime, *, conversation: Conversation | None = None
) -> Reminder:
    """Set one. The same text at the same time, set twice, is one.

    Raises:
        ReminderInvalid: nothing to be reminded of, or a time that is over or far away.
        RemindersFull
    """
    words = " ".join(storable(text).split())[:LONGEST]
    now = timezone.now()
    if not words:
        raise ReminderInvalid("The reminder is empty.")
    if due_at < now - GRACE:
        raise ReminderInvalid("This time is over already.")
    if due_at > now + FURTHEST:
        raise ReminderInvalid("This is more than ten years away.")
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    mine = Reminder.objects.filter(owner=person)
    if known := mine.filter(text=words, due_at=due_at, fired_at=None).first():
        return known
    if mine.count() >= MOST:
        raise RemindersFull(f"There are {MOST} reminders, as many as there may be.")
    made = Reminder.objects.create(
        owner=person, conversation=conversation, text=words, due_at=due_at
    )
    notices.reminded(person.pk)
    return made


def waiting(person: User) -> Sequence[Reminder]:
    return list(Reminder.objects.filter(owner=person, fired_at=None))


def listed(person: User) -> Sequence[Reminder]:
    """All: those that were told and not put away, and those to come."""
    return list(Reminder.objects.filter(owner=person))


@transaction.atomic
def delete(person: User, pk: UUID) -> None:
    """Cancel one, or put it away after it was told.

    Raises:
        NotFound: no such reminder of this person.
    """
    deleted, _ = Reminder.objects.filter(owner=person, pk=pk).delete()
    if not deleted:
        raise NotFound("There is no such reminder.")
    notices.reminded(person.pk)


def forget_person(person: User) -> None:
    """Delete all; call it in the transaction that deletes all conversations."""
    Reminder.objects.filter(owner=person).delete()
    notices.reminded(person.pk)


def fire() -> int:
    """Tell what is due, each once, however many do this at the same time.

    Returns:
        How many there were.
    """
    now = timezone.now()
    due = Reminder.objects.filter(fired_at=None, due_at__lte=now, owner__is_active=True)
    fired = 0
    for pk, owner in due.values_list("pk", "owner_id")[:AT_ONCE]:
        with transaction.atomic():
            if Reminder.objects.filter(pk=pk, fired_at=None).update(fired_at=now):
                fired += 1
                notices.reminded(owner)
    return fired
