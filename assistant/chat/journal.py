"""Writes what many answers stream, together: one transaction a beat instead of one a token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import DatabaseError

from assistant.chat import events
from assistant.chat.events import HEARTBEAT_S, LogEvent

logger = logging.getLogger(__name__)

# How long text may wait before it is written and shown. Many answers at once come slower each, so
# a longer beat loses nobody anything and saves the database most of its work.
BEAT_S = 0.08
ANSWERS_A_BEAT = 10
LONGEST_BEAT_S = 0.25


class Draft:
    """The events of one answer that are not written yet."""

    def __init__(self) -> None:
        self.seq = 0
        self._text: list[str] = []
        self._thought: list[str] = []
        self._thought_s = 0.0
        self._events: list[LogEvent] = []

    def add(self, kind: str, data: dict[str, Any]) -> None:
        self._close()
        self.seq += 1
        self._events.append(LogEvent(self.seq, kind, data))

    def add_text(self, text: str) -> None:
        """Text that arrives between two beats becomes one event."""
        self._close_thought()
        self._text.append(text)

    def add_reasoning(self, text: str, seconds: float) -> None:
        """So does what was thought, with how long it took."""
        self._close_text()
        self._thought.append(text)
        self._thought_s += seconds

    def take(self) -> list[LogEvent]:
        self._close()
        taken, self._events = self._events, []
        return taken

    def put_back(self, taken: list[LogEvent]) -> None:
        """Undo `take`: writing failed."""
        self._events[:0] = taken

    @property
    def is_empty(self) -> bool:
        return not self._events and not self._text and not self._thought

    def _close(self) -> None:
        """At most one of the two is open."""
        self._close_thought()
        self._close_text()

    def _close_thought(self) -> None:
        if self._thought:
            self.seq += 1
            data = {"text": "".join(self._thought), "ms": round(1000 * self._thought_s, 1)}
            self._events.append(LogEvent(self.seq, "reasoning", data))
            self._thought, self._thought_s = [], 0.0

    def _close_text(self) -> None:
        if self._text:
            self.seq += 1
            self._events.append(LogEvent(self.seq, "text", {"text": "".join(self._text)}))
            self._text = []


class Journal:
    """Beats while any answer is open: writes the drafts, publishes them, gives signs of life."""

    def __init__(
        self, worker: str, *, on_stop: Callable[[UUID], None], on_lost: Callable[[UUID], None]
    ) -> None:
        self._worker = worker
        self._on_stop, self._on_lost = on_stop, on_lost
        self._drafts: dict[UUID, Draft] = {}
        self._hurry = asyncio.Event()
        self._writing = asyncio.Lock()
        self._last_sign_of_life = 0.0

    def open(self, answer: UUID) -> Draft:
        draft = self._drafts[answer] = Draft()
        return draft

    def hurry(self) -> None:
        """Write without waiting for the beat: a first token should not wait."""
        self._hurry.set()

    async def leave(self, answer: UUID) -> list[LogEvent]:
        """Stop writing for `answer`.

        Returns:
            Its events that were not written, for the transaction that ends the answer.
        """
        async with self._writing:
            draft = self._drafts.pop(answer)
        return draft.take()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._beat_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                await self._write()
            except DatabaseError:
                logger.exception("the log can't be written; trying again")
                await asyncio.sleep(1)

    @property
    def _beat_s(self) -> float:
        return min(LONGEST_BEAT_S, BEAT_S * max(1.0, len(self._drafts) / ANSWERS_A_BEAT))

    async def _write(self) -> None:
        now = asyncio.get_running_loop().time()
        is_time_for_life = now - self._last_sign_of_life >= HEARTBEAT_S
        async with self._writing:
            drafts = {
                answer: draft
                for answer, draft in self._drafts.items()
                if is_time_for_life or not draft.is_empty
            }
            batch = {answer: draft.take() for answer, draft in drafts.items()}
            try:
                mine = await database_sync_to_async(events.record)(batch, self._worker)
            except DatabaseError:
                for answer, draft in drafts.items():
                    draft.put_back(batch[answer])
                raise
        if is_time_for_life:
            self._last_sign_of_life = now
        for answer in batch:
            if answer not in mine:
                self._on_lost(answer)
            elif mine[answer]:
                self._on_stop(answer)
