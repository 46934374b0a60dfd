"""Judgements in their order become versions of the reward head."""

from __future__ import annotations

from collections.abc import Iterable

from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig
from learning.contracts import FeedbackKind
from learning.reward.model import Event, Head, Pair, Silence, Thumb


def event_of(
    kind: FeedbackKind,
    answer: Float[ndarray, " feature"],
    *,
    text: Float[ndarray, " feature"] | None = None,
    over: Float[ndarray, " feature"] | None = None,
) -> Event:
    """What a judgement says to the head: `text` are the features of a correction's text.

    A comment says nothing yet: its polarity would have to be guessed.

    Raises:
        ValueError: a correction without its text's features, or a preference without its sibling's.
    """
    if kind in (FeedbackKind.UP, FeedbackKind.DOWN):
        return Thumb(answer, is_up=kind == FeedbackKind.UP)
    if kind == FeedbackKind.COMMENT:
        return Silence()
    if kind == FeedbackKind.CORRECTION and text is not None:
        return Pair(better=text, worse=answer)
    if kind == FeedbackKind.PREFERENCE and over is not None:
        return Pair(better=answer, worse=over)
    raise ValueError(f"a {kind} lacks what it compares with")


def replay(events: Iterable[Event], dimensions: int, config: RewardConfig) -> Head:
    """The head that has taken these events in, in this order; the same bits every time."""
    head = Head.prior(dimensions, config)
    for event in events:
        head = head.after(event, config)
    return head
