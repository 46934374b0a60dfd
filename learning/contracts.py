"""Frozen values that cross into and out of `learning`. Light: no Django, no ML library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from inference.diffusion import Block


class FeedbackKind(StrEnum):
    """How a person judged an answer; the values are the HTTP API's."""

    UP = "up"
    DOWN = "down"
    CORRECTION = "correction"
    PREFERENCE = "preference"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """An answer that a consenting person was served: what the policy saw and what it sampled.

    `answer` is its message's id, `person` the owner's primary key. `logprobs` has one natural
    logarithm per response token, under the distribution really sampled from. `chat` is as
    `learning.models.Answer` keeps it.
    """

    answer: UUID
    person: int
    prompt_token_ids: tuple[int, ...]
    response_token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    temperature: float
    top_p: float
    policy: str
    chat: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One piece of feedback on a served answer.

    `text` is the corrected answer or the comment; `over` the sibling that a preference rejects;
    `tags` are short words such as `too_long`, which are read like a comment's.
    """

    feedback: UUID
    answer: UUID
    person: int
    kind: FeedbackKind
    text: str = ""
    over: UUID | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An answer's tokens as learning is to keep them from now on: something was blacked out in
    them, or shown again. `logprobs` is empty where the tokens are not those that were sampled."""

    answer: UUID
    prompt_token_ids: tuple[int, ...]
    response_token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RewardEstimate:
    """What the reward model thinks of an answer now.

    `mean` is the log-odds that the person likes it, `sd` its standard deviation, `version` that of
    the reward model that said so (it changes with every judgement taken in or taken back).
    """

    mean: float
    sd: float
    version: int


@dataclass(frozen=True, slots=True)
class Wish:
    """That some sentences should have been kept in a conversation's memory.

    `blocks` are the one that has them, `wanted`, and some that were kept instead, in the order in
    which they were said; `numbers` count the sentences of `wanted`, by
    `inference.diffusion.sentences`. `sources` are the messages that all this comes from, and the
    answer that it is about: when one of them is deleted, so is the wish.
    """

    signal: UUID
    person: int
    blocks: tuple[Block, ...]
    wanted: int
    numbers: tuple[int, ...]
    sources: tuple[UUID, ...]
