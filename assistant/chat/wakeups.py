"""Hints to the generation workers: an answer waits, an answer is to be stopped.

A lost hint costs time, never an answer: workers also look into the table now and then.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from uuid import UUID

import redis

from assistant import valkey

CHANNEL = "danas:generations"
logger = logging.getLogger(__name__)


def wake_workers(answer: UUID) -> None:
    """Tell the workers to look at `answer`: a new one, or one that is to stop."""
    try:
        valkey.client().publish(CHANNEL, answer.hex)
    except redis.RedisError:
        logger.warning("no wake-up for %s: Valkey does not answer", answer)


async def listen() -> AsyncIterator[UUID | None]:
    """Yield answers to look at; None at the start, since earlier hints were missed.

    Raises:
        redis.RedisError: the connection broke; listen again.
    """
    connection = valkey.async_client()
    try:
        async with connection.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(CHANNEL)
            yield None
            async for message in subscription.listen():
                yield UUID(hex=message["data"].decode())
    finally:
        await connection.aclose()
