"""The generation worker: takes waiting answers, makes them, writes down everything about them.

One asynchronous process; run as many as needed. An answer belongs to the worker that claimed it
until it ends or the worker's signs of life stop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

import redis
from channels.db import database_sync_to_async
from django.db import DatabaseError

from assistant import logs
from assistant.chat import answers, events, wakeups
from assistant.chat.answers import Job
from assistant.chat.journal import Draft, Journal
from assistant.chat.outcome import Outcome
from assistant.chat.steps import Steps
from assistant.memory import settling
from assistant.operations.tally import tally
from inference.client import EngineClient
from inference.errors import InferenceError
from inference.tokenizer import ChatTokenizer

logger = logging.getLogger(__name__)

# How often the table is searched for answers whose hint was lost, and for stale ones.
LOOK_ROUND_S = 2.0
MOST_AT_ONCE = 256
ENDING_ROUND_S = 0.1


@dataclass
class Running:
    """An answer in the making. `started` is on the monotonic clock, in seconds."""

    job: Job
    draft: Draft
    started: float
    outcome: Outcome = field(default_factory=Outcome)


class GenerationWorker:
    """Claims answers and makes them, up to `MOST_AT_ONCE` at a time."""

    def __init__(self, client: EngineClient, tokenizer: ChatTokenizer) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._client, self._tokenizer = client, tokenizer
        self._journal = Journal(self.name, on_stop=self._stop, on_lost=self._drop)
        self._making: dict[UUID, asyncio.Task[None]] = {}
        # Those whose task may be cancelled: neither the claim nor the ending may be lost half-way.
        self._breakable: set[UUID] = set()
        self._stopping: set[UUID] = set()
        self._hints: dict[UUID, asyncio.Event] = {}
        self._after: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled; then end what runs as interrupted, its text kept."""
        journal = asyncio.create_task(self._journal.run())
        sources = [
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._look_round()),
        ]
        try:
            done, _ = await asyncio.wait([journal, *sources], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            # The journal stops last: the answers that end now still have events to write.
            await _cancel(sources)
            await self._end()
            await _cancel([journal, *self._after])

    async def _listen(self) -> None:
        while True:
            try:
                async for answer in wakeups.listen():
                    if answer is not None:
                        await self._look_at(answer)
            except redis.RedisError:
                logger.warning("no hints from Valkey; looking into the table instead")
                await asyncio.sleep(LOOK_ROUND_S)

    async def _look_at(self, answer: UUID) -> None:
        if answer in self._making:
            if await database_sync_to_async(answers.is_to_stop)(answer):
                self._stop(answer)
            elif hint := self._hints.get(answer):
                hint.set()
        else:
            self._take(answer)

    async def _look_round(self) -> None:
        while True:
            try:
                await database_sync_to_async(events.settle_stale)()
                for answer in await database_sync_to_async(answers.waiting)(MOST_AT_ONCE):
                    self._take(answer)
            except DatabaseError:
                logger.warning("the database does not answer; trying again")
            await asyncio.sleep(LOOK_ROUND_S)

    def _take(self, answer: UUID) -> None:
        if answer in self._making or len(self._making) >= MOST_AT_ONCE:
            return
        task = asyncio.create_task(self._make(answer))
        self._making[answer] = task
        task.add_done_callback(lambda _: self._making.pop(answer, None))

    async def _end(self) -> None:
        """Break off what is being made, and wait until all of it is written down."""
        while self._making:
            for answer in list(self._breakable):
                self._break_off(answer)
            # One that was being claimed can be broken off only after that.
            await asyncio.wait(self._making.values(), timeout=ENDING_ROUND_S)

    def _stop(self, answer: UUID) -> None:
        if answer in self._breakable:
            self._stopping.add(answer)
            self._break_off(answer)

    def _drop(self, answer: UUID) -> None:
        """Someone else ended this answer; nothing more is to be written for it."""
        if answer in self._breakable:
            self._break_off(answer)

    def _break_off(self, answer: UUID) -> None:
        """Cancel the sampling of an answer, once however many ask for it."""
        self._breakable.discard(answer)
        self._making[answer].cancel()

    async def _make(self, answer: UUID) -> None:
        """Make one answer, from the claim to the last event."""
        try:
            job = await database_sync_to_async(answers.claim)(answer, self.name, self._tokenizer)
        except InferenceError as error:
            await database_sync_to_async(answers.refuse)(answer, error)
            return
        if job is None:
            return
        with logs.bound(request_id=job.generation.request_id, answer=str(answer)):
            await self._answer(answer, job)

    async def _answer(self, answer: UUID, job: Job) -> None:
        running = Running(job, self._journal.open(answer), time.monotonic())
        running.draft.add("start", job.start)
        steps = Steps(
            job,
            running.outcome,
            running.draft,
            self._client,
            self._tokenizer,
            hurry=self._journal.hurry,
            wait=partial(self._wait, answer),
        )
        self._breakable.add(answer)
        try:
            await steps.run()
        except asyncio.CancelledError:
            stopped = answer in self._stopping
            running.outcome.end = "stopped" if stopped else "interrupted"
        except InferenceError as error:
            running.outcome.fail(error)
        except Exception:
            logger.exception("answer %s failed", answer)
            running.outcome.end = "interrupted"
        finally:
            self._breakable.discard(answer)
            self._stopping.discard(answer)
            self._hints.pop(answer, None)
        await self._finish(running)

    async def _wait(self, answer: UUID, seconds: float) -> None:
        """Until there is a hint about this answer, at most so long."""
        hint = self._hints.setdefault(answer, asyncio.Event())
        hint.clear()
        try:
            async with asyncio.timeout(seconds):
                await hint.wait()
        except TimeoutError:
            pass

    async def _finish(self, running: Running) -> None:
        """Write the ending, which nobody cancels; a worker that is told to end waits for it."""
        job, outcome = running.job, running.outcome
        outcome.total_s = time.monotonic() - running.started
        rest = await self._journal.leave(job.answer)
        finish = database_sync_to_async(answers.finish)
        await finish(job, outcome, rest, running.draft, self._tokenizer)
        _count(running)
        if job.window is not None and outcome.end == "done":
            task = asyncio.create_task(
                settling.after_turn(job.answer, self._client, self._tokenizer)
            )
            self._after.add(task)
            task.add_done_callback(self._after.discard)


def _count(running: Running) -> None:
    outcome, job = running.outcome, running.job
    tally.add("answers", outcome.end)
    tally.add("tokens", "prompt", by=outcome.prompt_tokens(job.prompt_token_ids))
    tally.add("tokens", "sampled", by=outcome.tokens)
    if outcome.first_token_s is not None:
        tally.time("first_token_seconds", seconds=outcome.first_token_s)
    tokens, took_ms = outcome.tokens, 1000 * outcome.total_s
    logger.info("answer %s: %d tokens in %.0f ms", outcome.end, tokens, took_ms)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
