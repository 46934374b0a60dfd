"""Frozen values that cross into and out of `inference`. Light: no Django, no ML library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FinishReason(StrEnum):
    """Why the engine ended an answer; the values are the OpenAI API's."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. The defaults suit a 135M model; nothing else is assumed."""

    temperature: float = 0.2
    top_p: float = 0.9
    max_tokens: int = 512
    seed: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What an answer is sampled from: the base model, or an immutable adapter on it.

    `name` is the name under which the engine serves it; `path` is the adapter's address (a
    folder, or a URL that the engine fetches from; see `inference.storage`), None for the base;
    `digest` is the SHA-256 of the weights, empty for the base.
    """

    name: str
    path: str | None = None
    digest: str = ""


BASE_NAME = "base"
BASE = Policy(BASE_NAME)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as the chat template takes it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """What the engine sent at once: some tokens, the text they complete, how likely each was.

    `logprobs` are natural logarithms under the distribution really sampled from (after
    temperature and top-p), one per token id. The text of an unfinished character is held back by
    the engine, so `text` can be empty while `token_ids` is not. Only the last delta of an answer
    has a `finish_reason`.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: FinishReason | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One whole sampled answer."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
