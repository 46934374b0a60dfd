"""Events of answers on their way from the workers to everyone who follows one, through Valkey.

All answers share one channel. A worker sends a message a beat, whatever the number of answers, and
a process that follows any listens once, for good, and hands each follower its own. Channels'
groups would cost a message per answer and two subscriptions per follower, and their receiver looks
up only every 0.1 s while nothing is subscribed, which is the time to a first token many times over.

What is lost here is made good by the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import redis

from assistant import valkey

logger = logging.getLogger(__name__)

CHANNEL = "danas:events"
# How long a first follower waits for the channel before it makes do with the log.
PATIENCE_S = 1.0

# An event as it travels: sequence number, kind, data.
Entry = Sequence[Any]


def send(batch: Mapping[UUID, Sequence[Entry]]) -> None:
    """Tell every process about new events. Blocks for a round trip to Valkey."""
    message = {answer.hex: entries for answer, entries in batch.items() if entries}
    if not message:
        return
    try:
        valkey.client().publish(CHANNEL, json.dumps(message, separators=(",", ":")))
    except redis.RedisError:
        logger.warning("events of %d answers are in the log only: no Valkey", len(message))


@contextlib.asynccontextmanager
async def hints(answer: UUID) -> AsyncIterator[asyncio.Queue[list[Entry]]]:
    """A queue of what is sent about `answer` from now on; it stays empty while Valkey is down."""
    receiver = _receiver()
    queue = receiver.add(answer)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await receiver.is_listening.wait()
        yield queue
    finally:
        receiver.remove(answer, queue)


class Receiver:
    """Listens for one event loop, from its first follower on, until the loop ends."""

    def __init__(self) -> None:
        self.is_listening = asyncio.Event()
        self._queues: dict[str, set[asyncio.Queue[list[Entry]]]] = defaultdict(set)
        self._task = asyncio.create_task(self._listen())

    def add(self, answer: UUID) -> asyncio.Queue[list[Entry]]:
        queue: asyncio.Queue[list[Entry]] = asyncio.Queue()
        self._queues[answer.hex].add(queue)
        return queue

    def remove(self, answer: UUID, queue: asyncio.Queue[list[Entry]]) -> None:
        self._queues[answer.hex].discard(queue)
        if not self._queues[answer.hex]:
            del self._queues[answer.hex]

    @property
    def followers(self) -> int:
        return sum(len(queues) for queues in self._queues.values())

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive()
            except redis.RedisError:
                logger.warning("events are read from the log only: no Valkey")
            self.is_listening.clear()
            await asyncio.sleep(PATIENCE_S)

    async def _receive(self) -> None:
        async with valkey.async_client() as client, client.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                if message["type"] == "subscribe":
                    self.is_listening.set()
                elif message["type"] == "message":
                    self._hand_out(json.loads(message["data"]))

    def _hand_out(self, batch: dict[str, list[Entry]]) -> None:
        for answer, entries in batch.items():
            for queue in self._queues.get(answer, ()):
                queue.put_nowait(entries)


_receivers: WeakKeyDictionary[asyncio.AbstractEventLoop, Receiver] = WeakKeyDictionary()


def _receiver() -> Receiver:
    """The running loop's receiver; a task can't be shared between loops."""
    loop = asyncio.get_running_loop()
    if loop not in _receivers:
        _receivers[loop] = Receiver()
    return _receivers[loop]
