"""Telling a person's open pages what changed in their list. A lost notice is made good by reading
the list, which a page does whenever it comes to the front."""

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


def _tell(person: int, message: dict[str, Any]) -> None:
    transaction.on_commit(lambda: _send(person, message), robust=True)


def _send(person: int, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(group_of_person(person), message)
    except (redis.RedisError, OSError):
        logger.warning("open pages are not told of a change: Valkey does not answer")
