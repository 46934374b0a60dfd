"""Deleting conversations: hidden at once, undone for a while, then really gone.

`Conversation.objects` and `owned_by` hide what has `deleted_at`. A task asked for at the deletion
purges; Beat asks again, so that none stays for a lost task. Temporary conversations that nobody
left are purged by the same task.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.errors import NotFound
from assistant.library import notices
from assistant.memory import forgetting, profile
from assistant.models import Conversation, User

logger = logging.getLogger(__name__)

PURGE = "assistant.purge"
# The page offers to undo for 10 s; the rest is for a slow connection.
UNDO_S = 30


@transaction.atomic
def delete(person: User, conversations: Collection[UUID]) -> None:
    """Hide conversations everywhere, at once.

    Raises:
        NotFound: one of them is not this person's; nothing was deleted.
    """
    _wait_for_handing_over(person)
    wanted = set(conversations)
    rows = Conversation.objects.filter(owner=person, pk__in=wanted)
    if rows.update(deleted_at=timezone.now()) != len(wanted):
        raise NotFound("There is no such conversation.")
    notices.gone(person.pk, wanted)
    transaction.on_commit(ask_purge, robust=True)


@transaction.atomic
def restore(person: User, conversations: Collection[UUID]) -> list[Conversation]:
    """Undo the deletion. One that was not deleted stays as it is.

    Raises:
        NotFound: one of them is gone, or not this person's; nothing was restored.
    """
    wanted = set(conversations)
    every = Conversation.with_deleted.filter(owner=person, pk__in=wanted)
    # What is being purged at this moment is waited for, and then not there.
    if every.update(deleted_at=None) != len(wanted):
        raise NotFound("There is no such conversation; it can't be brought back any more.")
    notices.changed(person.pk, wanted)
    return list(every)


def delete_now(person: User, conversation: UUID) -> None:
    """Delete a conversation for good, with all that was derived from it.

    Raises:
        NotFound: no such conversation of this person.
    """
    with transaction.atomic():
        forgetting.forget_conversation(person, conversation)
        notices.gone(person.pk, [conversation])


@transaction.atomic
def delete_message(person: User, message: UUID) -> None:
    """Hide a message with what follows it.

    Raises:
        NotFound: no such message of this person.
    """
    forgetting.delete_message(person, message)
    transaction.on_commit(ask_purge, robust=True)


def ask_purge() -> None:
    """Have a worker purge when the time to undo is over."""
    current_app.send_task(PURGE, countdown=UNDO_S + 1)


def purge() -> int:
    """Forget messages, notes and conversations that were deleted long enough ago, and temporary
    conversations that have expired.

    Returns:
        How many conversations there were.
    """
    now = timezone.now()
    deleted_before = now - timedelta(seconds=UNDO_S)
    idle_since = now - timedelta(hours=settings.TEMPORARY_HOURS)
    every = Conversation.with_deleted
    forgetting.purge_messages(deleted_before)
    profile.purge(deleted_before)
    deleted = every.filter(deleted_at__lte=deleted_before).values_list("pk", flat=True)
    expired = every.filter(is_temporary=True, updated_at__lte=idle_since)
    gone = [
        pk
        for pk in [*deleted, *expired.values_list("pk", flat=True)]
        if forgetting.forget_if(pk, deleted_before=deleted_before, idle_since=idle_since)
    ]
    return len(gone)


def _wait_for_handing_over(person: User) -> None:
    """An answer that ends now is handed to learning before this, or not at all."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
