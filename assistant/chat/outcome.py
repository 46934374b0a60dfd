"""How an answer comes out while it is made: what was sampled, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from inference.contracts import Call, ChatMessage, FinishReason, TokenDelta
from inference.diffusion import Exchange
from inference.errors import InferenceError

PARAGRAPH = "\n\n"
SpanKind = Literal["reasoning", "text", "other"]


@dataclass
class Step:
    """One request to the engine and what it sampled.

    `prompt_token_ids` are as the engine read them. `spans` are `[kind, first, end]` over the
    sampled tokens, in order and without gaps; marks and calls are other.
    """

    prompt_token_ids: tuple[int, ...] = ()
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    spans: list[list[Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: tuple[Call, ...] = ()
    results: tuple[str, ...] = ()
    finish_reason: FinishReason | None = None

    def take(self, delta: TokenDelta) -> None:
        self.prompt_token_ids = delta.prompt_token_ids or self.prompt_token_ids
        self._span(delta)
        self.token_ids.extend(delta.token_ids)
        self.logprobs.extend(delta.logprobs)
        if delta.text:
            self.text.append(delta.text)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        self.calls = delta.calls or self.calls
        self.finish_reason = delta.finish_reason or self.finish_reason

    def _span(self, delta: TokenDelta) -> None:
        if not delta.token_ids:
            return
        kind: SpanKind = "reasoning" if delta.reasoning else "text" if delta.text else "other"
        first = len(self.token_ids)
        if self.spans and self.spans[-1][0] == kind:
            self.spans[-1][2] = first + len(delta.token_ids)
        else:
            self.spans.append([kind, first, first + len(delta.token_ids)])

    @property
    def exchange(self) -> Exchange:
        return Exchange(self.calls, self.results)

    @property
    def finite_logprobs(self) -> list[float]:
        """A token outside the nucleus can't be sampled, but -inf would not be a JSON number."""
        return [value if math.isfinite(value) else -1e9 for value in self.logprobs]

    def messages(self) -> list[ChatMessage]:
        """The step as the next one reads it: what was said and called, and each result."""
        said = ChatMessage("assistant", "".join(self.text), (), "".join(self.reasoning), self.calls)
        results = [
            ChatMessage("tool", result, call_id=call.id)
            for call, result in zip(self.calls, self.results, strict=True)
        ]
        return [said, *results]

    def to_json(self) -> dict[str, Any]:
        return {
            "prompt_token_ids": list(self.prompt_token_ids),
            "sampled_token_ids": self.token_ids,
            "logprobs": self.finite_logprobs,
            "spans": self.spans,
            "messages": [message.to_json() for message in self.messages()],
        }


@dataclass
class Outcome:
    """How an answer came out. Times are in seconds since the worker took it."""

    steps: list[Step] = field(default_factory=lambda: [Step()])
    end: str = "interrupted"
    error: dict[str, Any] | None = None
    # By the id that the page knows a call by: what it shows of it.
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    first_token_s: float | None = None
    thought_s: float = 0.0
    total_s: float = 0.0

    @property
    def step(self) -> Step:
        """The one that is being made, or was made last."""
        return self.steps[-1]

    @property
    def earlier(self) -> Sequence[Step]:
        return self.steps[:-1]

    @property
    def text(self) -> str:
        """What was said in all steps."""
        return PARAGRAPH.join(filter(None, ("".join(step.text) for step in self.steps)))

    @property
    def reasoning(self) -> str:
        """What was thought in all steps."""
        return PARAGRAPH.join(filter(None, ("".join(step.reasoning) for step in self.steps)))

    @property
    def exchanges(self) -> list[Exchange]:
        """What tools were asked and answered; calls that nobody ran are none."""
        return [step.exchange for step in self.steps if step.results]

    @property
    def tokens(self) -> int:
        """How many were sampled."""
        return sum(len(step.token_ids) for step in self.steps)

    @property
    def has_said(self) -> bool:
        return any(step.text for step in self.steps)

    @property
    def read_since(self) -> list[ChatMessage]:
        """What the last step read beyond what the first one did."""
        return [message for step in self.earlier for message in step.messages()]

    def prompt_tokens(self, counted: Sequence[int]) -> int:
        """What the engine read in all steps; by our own count where it did not say."""
        return sum(len(step.prompt_token_ids or counted) for step in self.steps)

    def fail(self, error: InferenceError) -> None:
        self.end = "interrupted" if self.tokens and error.can_retry else "failed"
        self.error = error_data(error)


def error_data(error: InferenceError) -> dict[str, Any]:
    """The data of the event `error`."""
    return {"code": error.code, "message": str(error), "can_retry": error.can_retry}
