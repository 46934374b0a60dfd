"""The append-only log of an answer: written in batches, published, replayed, closed.

The log in PostgreSQL is the truth. What is broadcast is the same events, so that a reader seldom
has to ask the database; a reader that missed some reads them from the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from psycopg.types.json import Jsonb

from assistant.chat import broadcast
from assistant.models import Generation, GenerationEvent

# A worker writes at least every HEARTBEAT_S while it makes an answer.
HEARTBEAT_S = 2.0
STALE_AFTER_S = 12.0
# A reader that hears nothing for this long looks into the log: a hint may have been lost.
PATIENCE_S = 3.0

INTERRUPTED = {
    "code": "interrupted",
    "message": "The answer was interrupted. Nothing you wrote is lost; ask again.",
    "can_retry": True,
}


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One entry of an answer's log; see wire.Event for what `data` holds."""

    seq: int
    kind: str
    data: dict[str, Any]

    @property
    def is_last(self) -> bool:
        return self.kind in GenerationEvent.LAST


Batch = dict[UUID, list[LogEvent]]


def append(batch: Batch, worker: str) -> dict[UUID, bool]:
    """Write new events of several answers in one transaction; an empty list is a sign of life.

    Answers that are not this worker's any more (settled as stale, deleted) are left alone.

    Returns:
        For each answer that is still this worker's, whether a stop was requested.
    """
    if not batch:
        return {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE assistant_generation AS g
               SET last_seq = GREATEST(g.last_seq, v.seq), heartbeat_at = now()
              FROM unnest(%s::uuid[], %s::int[]) AS v(id, seq)
             WHERE g.message_id = v.id AND g.status = 'running' AND g.worker = %s
            RETURNING g.message_id, g.stop_requested
            """,
            [list(batch), [events[-1].seq if events else 0 for events in batch.values()], worker],
        )
        mine = dict(cursor.fetchall())
        _insert(cursor, [(answer, event) for answer in mine for event in batch[answer]])
    return mine


def record(batch: Batch, worker: str) -> dict[UUID, bool]:
    """`append`, then tell everyone who follows these answers, in one trip to a thread."""
    mine = append(batch, worker)
    publish({answer: batch[answer] for answer in mine})
    return mine


def _insert(cursor: Any, rows: Sequence[tuple[UUID, LogEvent]]) -> None:
    if not rows:
        return
    cursor.execute(
        """
        INSERT INTO assistant_generationevent (generation_id, seq, kind, data, created_at)
        SELECT v.*, now() FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::jsonb[]) AS v
        """,
        [
            [answer for answer, _ in rows],
            [event.seq for _, event in rows],
            [event.kind for _, event in rows],
            [Jsonb(event.data) for _, event in rows],
        ],
    )


def close(
    generation: Generation, status: Generation.Status, last_events: Iterable[LogEvent]
) -> list[LogEvent]:
    """End an answer: its last events and its final status. Call inside a transaction.

    Returns:
        The events that were written: none when the answer had ended already.
    """
    rows = list(last_events)
    changed = Generation.objects.filter(
        pk=generation.pk, status__in=Generation.OPEN, worker=generation.worker
    ).update(
        status=status,
        last_seq=rows[-1].seq,
        finished_at=timezone.now(),
        error_code=rows[-1].data.get("code", ""),
    )
    if not changed:
        return []
    with connection.cursor() as cursor:
        _insert(cursor, [(generation.pk, event) for event in rows])
    return rows


@transaction.atomic
def settle(generation: Generation, status: Generation.Status) -> None:
    """End an answer that no worker will end; what was streamed so far becomes its text."""
    answer = generation.pk
    # The lock keeps the worker, if it is alive after all, from writing the same sequence number.
    Generation.objects.select_for_update().get(pk=answer)
    written = GenerationEvent.objects.filter(generation=generation).order_by("seq")
    seq = (written.aggregate(last=Max("seq"))["last"] or 0) + 1
    is_stop = status == Generation.Status.STOPPED
    event = LogEvent(seq, "stopped", {}) if is_stop else LogEvent(seq, "error", INTERRUPTED)
    if not close(generation, status, [event]):
        return
    texts = written.filter(kind=GenerationEvent.Kind.TEXT).values_list("data__text", flat=True)
    if text := "".join(texts):
        generation.message.parts = [{"type": "text", "text": text}]
        generation.message.save(update_fields=["parts"])
    transaction.on_commit(lambda: publish({answer: [event]}))


def settle_stale() -> int:
    """End the answers whose worker has given no sign of life.

    Returns:
        How many there were.
    """
    silent_since = timezone.now() - timedelta(seconds=STALE_AFTER_S)
    stale = Generation.objects.filter(
        status=Generation.Status.RUNNING, heartbeat_at__lt=silent_since
    ).select_related("message")
    for generation in stale:
        settle(generation, Generation.Status.INTERRUPTED)
    return len(stale)


def publish(batch: Batch) -> None:
    """Tell everyone who follows these answers; a loss is made good by the log. Blocks shortly."""
    broadcast.send(
        {
            answer: [(event.seq, event.kind, event.data) for event in events]
            for answer, events in batch.items()
        }
    )


def read(answer: UUID, after: int = 0) -> list[LogEvent]:
    """The events of `answer` after the sequence number `after`, in order."""
    rows = GenerationEvent.objects.filter(generation=answer, seq__gt=after).order_by("seq")
    return [LogEvent(*row) for row in rows.values_list("seq", "kind", "data")]


async def follow(answer: UUID, after: int = 0) -> AsyncGenerator[LogEvent, None]:
    """Every event of `answer` after `after`, each once and in order, to the last one.

    Subscribes first, then replays, so that nothing falls between the two. Close the iterator
    (`contextlib.aclosing`) when leaving early.
    """
    async with broadcast.hints(answer) as hints:
        for event in await database_sync_to_async(read)(answer, after):
            yield event
            if event.is_last:
                return
            after = event.seq
        async for event in _hear(hints, answer, after):
            yield event


@contextlib.asynccontextmanager
async def expect(answer: UUID) -> AsyncIterator[AsyncGenerator[LogEvent, None]]:
    """Follow an answer that is asked for inside the block: there is nothing to replay."""
    async with (
        broadcast.hints(answer) as hints,
        contextlib.aclosing(_hear(hints, answer, after=0)) as log,
    ):
        yield log


async def _hear(
    hints: asyncio.Queue[list[broadcast.Entry]], answer: UUID, after: int
) -> AsyncGenerator[LogEvent, None]:
    while True:
        for event in await _next_events(hints, answer, after):
            if event.seq <= after:
                continue
            yield event
            if event.is_last:
                return
            after = event.seq


async def _next_events(
    hints: asyncio.Queue[list[broadcast.Entry]], answer: UUID, after: int
) -> list[LogEvent]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            events = [LogEvent(*entry) for entry in await hints.get()]
        if events[0].seq <= after + 1:
            return events
    except TimeoutError:
        await database_sync_to_async(settle_stale)()
    missed: list[LogEvent] = await database_sync_to_async(read)(answer, after)
    return missed
