"""One answer, step by step: ask the engine, run the tools that it calls, ask again.

What is sampled goes into the outcome as it comes; what a person is to see goes into the draft.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from assistant.chat.answers import Job
from assistant.chat.journal import Draft
from assistant.chat.outcome import PARAGRAPH, Outcome, Step
from assistant.models import ToolCall
from assistant.tools import calling, results
from inference.client import EngineClient
from inference.contracts import Call, Chat, TokenDelta
from inference.diffusion.prompt import TOOL
from inference.errors import PolicyNotLoaded
from inference.tokenizer import ChatTokenizer

# How often the table is looked into for a decision whose hint was lost.
LOOK_S = 2.0
# The state of a call that the caller of the API is to run.
YOURS = "yours"
CUT = " … [cut: the window has no room for more of it]"

Wait = Callable[[float], Awaitable[None]]


class Steps:
    """Makes one answer. `wait` returns after so many seconds, or as soon as it has a hint."""

    def __init__(
        self,
        job: Job,
        outcome: Outcome,
        draft: Draft,
        client: EngineClient,
        tokenizer: ChatTokenizer,
        *,
        hurry: Callable[[], None],
        wait: Wait,
    ) -> None:
        self._job, self._outcome, self._draft = job, outcome, draft
        self._client, self._tokenizer = client, tokenizer
        self._hurry, self._wait = hurry, wait
        self._started = self._last = time.monotonic()

    async def run(self) -> None:
        """Until the policy calls no more tools, or may not.

        Raises:
            InferenceError: the engine failed; what was sampled is in the outcome.
        """
        last = settings.TOOL_STEPS - 1
        for number in range(settings.TOOL_STEPS):
            await self._sample(is_last=number == last)
            step = self._outcome.step
            if not self._job.runs_tools:
                self._show_to_caller(step.calls)
            if not step.calls or not self._job.runs_tools or number == last:
                break
            step.results = await self._results(number, step.calls)
            self._outcome.steps.append(Step())
        self._outcome.end = "done"

    async def _sample(self, *, is_last: bool) -> None:
        try:
            await self._stream(is_last=is_last)
        except PolicyNotLoaded:
            # The engine was restarted since the adapter went live; nothing was sampled yet.
            await self._client.load(self._job.policy)
            await self._stream(is_last=is_last)

    async def _stream(self, *, is_last: bool) -> None:
        job, steps = self._job, self._outcome.steps
        # An answer's id makes it unique, which the engine insists on and a client's may not be.
        # A first step goes by that name alone.
        step = "" if len(steps) == 1 else str(len(steps))
        name = "-".join(filter(None, (job.generation.request_id, job.answer.hex, step)))
        if job.chat is None:
            prompt = job.prompt_token_ids
            sampling = job.sampling(len(prompt))
            stream = self._client.stream(prompt, sampling, job.policy, request_id=name)
        else:
            chat = self._chat(job.chat, is_last=is_last)
            sampling = job.sampling(self._tokens(chat))
            stream = self._client.chat(chat, sampling, job.policy, request_id=name)
        try:
            async for delta in stream:
                self._take_in(delta)
        finally:
            await stream.aclose()

    def _chat(self, chat: Chat, *, is_last: bool) -> Chat:
        since = [self._tokenizer.harmless(message) for message in self._outcome.read_since]
        choice = "none" if is_last and chat.tools and self._job.runs_tools else chat.tool_choice
        return replace(chat, messages=(*chat.messages, *since), tool_choice=choice)

    def _tokens(self, chat: Chat) -> int:
        if len(self._outcome.steps) == 1:
            return len(self._job.prompt_token_ids)
        return len(self._tokenizer.prompt_ids(chat.messages, chat.tools, chat.template))

    def _take_in(self, delta: TokenDelta) -> None:
        outcome, now = self._outcome, time.monotonic()
        earlier, step = outcome.earlier, outcome.step
        if delta.reasoning:
            is_first = not step.reasoning and any(each.reasoning for each in earlier)
            text = (PARAGRAPH if is_first else "") + delta.reasoning
            self._draft.add_reasoning(text, now - self._last)
            outcome.thought_s += now - self._last
        if delta.text:
            is_first = not step.text and any(each.text for each in earlier)
            self._draft.add_text((PARAGRAPH if is_first else "") + delta.text)
        step.take(delta)
        if outcome.first_token_s is None and delta.token_ids:
            outcome.first_token_s = now - self._started
            self._hurry()
        self._last = now

    # ── tools ───────────────────────────────────────────────────────────────────────────────────

    def _show_to_caller(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._show(call.id, call.name, call.arguments, YOURS)

    async def _results(self, step: int, calls: Sequence[Call]) -> tuple[str, ...]:
        """What is said of each call, in order: its result, or why there is none."""
        begin = database_sync_to_async(calling.begin)
        rows = await begin(self._job.generation, step, calls)
        for row in rows:
            self._show_row(row)
        self._hurry()
        rows = await self._decided(rows)
        done = await asyncio.gather(*(self._run(row) for row in rows))
        self._last = time.monotonic()
        return self._that_fit(done)

    async def _decided(self, rows: list[ToolCall]) -> list[ToolCall]:
        """The calls when none of them waits for its person any more."""
        until = time.monotonic() + calling.PATIENCE_S
        read = database_sync_to_async(_reread)
        while waiting := [row.pk for row in rows if row.state == ToolCall.State.ASKED]:
            left_s = until - time.monotonic()
            if left_s <= 0:
                await database_sync_to_async(calling.expire)(waiting)
            else:
                await self._wait(min(LOOK_S, left_s))
            rows = await read(rows)
        return rows

    async def _run(self, row: ToolCall) -> ToolCall:
        if row.state == ToolCall.State.ALLOWED:
            self._show_row(row, state=ToolCall.State.RUNNING)
            self._hurry()
            row = await calling.run(row)
        self._show_row(row)
        self._hurry()
        return row

    def _that_fit(self, rows: Sequence[ToolCall]) -> tuple[str, ...]:
        """What is said of the calls, cut where the window has no room for all of it."""
        used = len(self._outcome.step.prompt_token_ids) + len(self._outcome.step.token_ids)
        room = settings.WINDOW_TOKENS + settings.ANSWER_TOKENS // 2 - used
        share = max(16, room // max(1, len(rows)))
        return tuple(results.said(row, self._cut(row.result, share)) for row in rows)

    def _cut(self, text: str, tokens: int) -> str:
        spans = self._tokenizer.spans(text)
        return text if len(spans) <= tokens else text[: spans[tokens][0]] + CUT

    def _show_row(self, row: ToolCall, state: str = "") -> None:
        is_over = not row.is_open
        self._show(
            str(row.pk),
            row.name,
            row.arguments,
            state or row.state,
            result=row.result if is_over else None,
            ms=row.took_ms,
        )

    def _show(self, call: str, name: str, arguments: str, state: str, **rest: Any) -> None:
        data = {"id": call, "name": name, "arguments": _read(arguments), "state": state, **rest}
        self._outcome.calls[call] = data
        self._draft.add(TOOL, data)


def _read(arguments: str) -> Any:
    """For a person to see: an object where it is one, else the text as it was written."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def _reread(rows: Sequence[ToolCall]) -> list[ToolCall]:
    now = {row.pk: row for row in ToolCall.objects.filter(pk__in=[row.pk for row in rows])}
    return [now[row.pk] for row in rows if row.pk in now]
