"""How much of what will be asked for is still in a window, by ids and by the words of answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from learning.memory.dialogue import Question

COMMON = """
a about after again all also am an and any are as at be because been before being both but by can
could did do does doing down during each few for from further had has have having he her here hers
him his how i if in into is it its just like likely me more most my no nor not now of off on once
only or other our ours out over own same she should so some such than that the their theirs them
then there these they this those through to too under until up very was we were what when where
which while who whom why will with would yes you your yours s t d ll m re ve don didn doesn isn wasn
"""
STOP = frozenset(COMMON.split())


def content(text: str) -> list[str]:
    """The words and numbers of a text in lower case, without those that say nothing alone."""
    return [word for word in re.findall(r"\w+", text.lower()) if word not in STOP]


def evidence_recall(question: Question, whole: Collection[str]) -> float:
    """The share of the question's evidence turns that are in a window whole."""
    return fmean(turn in whole for turn in question.evidence)


def answer_recall(question: Question, words: Collection[str]) -> float | None:
    """The share of the answer's different content words that occur somewhere in a window.

    `words` are the words of the window's text, with the days of sessions and without the names of
    speakers. Dates count as they stand: of "7 May 2023" the words 7, may and 2023, which a window
    has where the session of 8 May lies and somebody says "yesterday" only in two of three parts.
    None where an answer has no content words, as "yes" has none.
    """
    asked = set(content(question.answer))
    return fmean(word in words for word in asked) if asked else None


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over conversations, and their standard deviation where there are several."""

    mean: float
    deviation: float | None
    conversations: int


def spread(values: Sequence[float]) -> Spread:
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(fmean(values), deviation, len(values))
