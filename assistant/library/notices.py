"""Telling a person's open pages what changed in their list, which messages went or came back, and
that something else is remembered. A lost notice is made good by reading, which a page does whenever
it connects."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from assistant.accounts.sessions import group_of as group_of_person

logger = logging.getLogger(__name__)


def changed(person: int, conversations: Iterable[UUID]) -> None:
    """After the commit: these have another title or place, or are back."""
    _tell(person, {"type": "library.changed", "conversations": [str(pk) for pk in conversations]})


def gone(person: int, conversations: Iterable[UUID]) -> None:
    """After the commit: these were deleted."""
    _tell(person, {"type": "library.gone", "conversations": [str(pk) for pk in conversations]})


def rearranged(person: int) -> None:
    """After the commit: folders were made, renamed or deleted."""
    _tell(person, {"type": "library.rearranged"})


def message_removed(person: int, conversation: UUID, message: UUID) -> None:
    """After the commit: it was deleted, with what follows it."""
    _tell(person, _of_message("message.removed", conversation, message))


def message_restored(person: int, conversation: UUID, message: UUID) -> None:
    """After the commit: it is back, with what was deleted together with it."""
    _tell(person, _of_message("message.restored", conversation, message))


def memory_changed(person: int, conversation: UUID | None = None) -> None:
    """After the commit: the profile is another one, or what a conversation remembers."""
    where = str(conversation) if conversation else None
    _tell(person, {"type": "memory.changed", "conversation": where})


def reminded(person: int) -> None:
    """After the commit: a reminder is due, or one was set or put away."""
    _tell(person, {"type": "reminders.changed"})


def _of_message(kind: str, conversation: UUID, message: UUID) -> dict[str, Any]:
    return {"type": kind, "conversation": str(conversation), "message": str(message)}


def _tell(person: int, message: dict[str, Any]) -> None:
    transaction.on_commit(lambda: _send(person, message), robust=True)


def _send(person: int, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(group_of_person(person), message)
    except (redis.RedisError, OSError):
        logger.warning("open pages are not told of a change: Valkey does not answer")
