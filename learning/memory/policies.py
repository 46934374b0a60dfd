"""What may decide what stays in a window of fixed size: Memory Diffusion, and what it is held to.

A keeper goes along with a dialogue and knows its window and the turn that comes, no more; so what
it has let go it can't have back. A seeker is told the question and searches all that was ever
said: it needs a store that grows with the dialogue. The oracle is told which turns will be asked
for, though not by which question.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from inference.diffusion import Window, admit, diffuse, to_messages, with_needs
from inference.diffusion.sentences import sentences
from learning.embedding import embed
from learning.memory.ablations import Adjust
from learning.memory.counting import Counting, Layout, Piece
from learning.memory.dialogue import Dialogue, Turn
from learning.memory.packing import Packed
from learning.memory.summary import Summary

# Of the window, for what was said first, and for the summary.
FIRST_SHARE = 4
# Okapi BM25's usual parameters.
BM25_K, BM25_B = 1.5, 0.75


@dataclass(frozen=True, slots=True)
class Heard:
    """What models made of a turn: where each of its sentences ends and the log-odds that it will
    be asked for (none where nobody read it), and its surprisal in nats per token."""

    needs: tuple[tuple[int, float], ...] = ()
    surprisal: float = 0.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was made of a dialogue's turns, by id, and what it took for all of them."""

    heard: Mapping[str, Heard]
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Case:
    """A dialogue with all that policies may ask about it, and how its tokens are counted."""

    dialogue: Dialogue
    counting: Counting
    layout: Layout
    heard: Mapping[str, Heard] = field(default_factory=dict)
    seed: int = 0


class Keeping(Protocol):
    """A window while the dialogue goes on."""

    def take(self, place: int, turn: Turn) -> None: ...
    def pieces(self) -> tuple[Piece, ...]: ...


Keeper = Callable[[Case, int], Keeping]
"""Begins with an empty window of so many tokens."""
Seeker = Callable[[Case], Callable[[str], Sequence[int]]]
"""Gives for a question the places of all turns, the likeliest first."""


class Diffused:
    """The loop as it runs after each turn of a conversation, and its variants."""

    def __init__(
        self,
        case: Case,
        limit: int,
        *,
        whole: bool = True,
        is_read: bool = True,
        slack: float = 0.0,
        adjust: Adjust | None = None,
    ) -> None:
        self._case, self._limit = case, limit
        self._whole, self._is_read, self._slack, self._adjust = whole, is_read, slack, adjust
        self._window = Window(case.layout.system_text)

    def take(self, place: int, turn: Turn) -> None:
        counting = self._case.counting
        first = self._window.next_id
        window = admit(self._window, turn.id, turn.id, turn.shown, counting)
        if self._is_read:
            window = self._read(window, first, turn)
        if self._adjust:
            window = self._adjust(window, first)
        done = diffuse(window, self._limit, counting, whole=self._whole, slack=self._slack)
        self._window = done.window

    def pieces(self) -> tuple[Piece, ...]:
        return tuple(self._case.layout.pieces(to_messages(self._window)))

    def _read(self, window: Window, first: int, turn: Turn) -> Window:
        """With what was read of the new blocks, which may be cut elsewhere than they were then."""
        read = self._case.heard[turn.id].needs if turn.id in self._case.heard else ()
        needs: dict[int, list[float]] = {}
        end = 0
        for block in window.blocks:
            if block.id >= first and read:
                needs[block.id] = []
                for sentence in sentences(block.text):
                    begin, end = end, end + len(sentence)
                    needs[block.id].append(_need(read, begin, end))
        return with_needs(window, needs)


def _need(read: Sequence[tuple[int, float]], begin: int, end: int) -> float:
    """The highest log-odds among the sentences that reach into this part of the text."""
    begins = [0, *(place for place, _ in read)]
    return max(
        value
        for start, (stop, value) in zip(begins, read, strict=False)
        if start < end and stop > begin
    )


class Ranked:
    """Whole turns; those that rank lowest go first, the oldest of equals before the others."""

    def __init__(self, case: Case, limit: int, rank: Callable[[Packed, int, Turn], float]) -> None:
        self._limit, self._rank = limit, rank
        self._packed = Packed(case.dialogue.turns, case.counting)
        self._ranks: dict[int, float] = {}

    def take(self, place: int, turn: Turn) -> None:
        self._ranks[place] = self._rank(self._packed, place, turn)
        self._packed.add(place)
        while self._packed.tokens > self._limit:
            lowest = min(self._ranks, key=lambda each: (self._ranks[each], each))
            self._packed.remove(lowest)
            del self._ranks[lowest]

    def pieces(self) -> tuple[Piece, ...]:
        return self._packed.pieces()


def sliding(case: Case, limit: int) -> Keeping:
    return Ranked(case, limit, lambda packed, place, turn: 0.0)


def first_and_recent(case: Case, limit: int) -> Keeping:
    """What came first fills a fourth of the window and stays."""

    def rank(packed: Packed, place: int, turn: Turn) -> float:
        is_first = len(packed.places) == place and packed.tokens < limit // FIRST_SHARE
        return float(is_first)

    return Ranked(case, limit, rank)


def at_random(case: Case, limit: int) -> Keeping:
    chance = random.Random(f"{case.seed} {case.dialogue.name}")
    return Ranked(case, limit, lambda packed, place, turn: chance.random())


def surprising(case: Case, limit: int) -> Keeping:
    """What a language model expects least stays, by the mean of a turn's tokens."""
    return Ranked(case, limit, lambda packed, place, turn: case.heard[turn.id].surprisal)


def summarised(case: Case, limit: int) -> Keeping:
    return Summary(case.dialogue.turns, case.counting, limit)


def oracle(case: Case, limit: int) -> tuple[Piece, ...]:
    """The turns that are asked for most for what they cost, then the newest of the others."""
    turns, worth = case.dialogue.turns, case.dialogue.worth()
    costs = [case.counting.count(turn.shown) + case.counting.between(None, turn) for turn in turns]
    order = sorted(
        range(len(turns)), key=lambda place: (-worth[turns[place].id] / costs[place], -place)
    )
    packed = Packed(turns, case.counting)
    packed.fill(order, limit)
    return packed.pieces()


def bm25(case: Case) -> Callable[[str], Sequence[int]]:
    """Robertson and Zaragoza 2009, *The Probabilistic Relevance Framework: BM25 and Beyond*."""
    texts = [Counter(words(f"{turn.speaker} {turn.shown}")) for turn in case.dialogue.turns]
    lengths = np.array([text.total() for text in texts], float)
    norm = BM25_K * (1 - BM25_B + BM25_B * lengths / lengths.mean())
    documents = Counter(word for text in texts for word in text)

    def order(question: str) -> Sequence[int]:
        scores = np.zeros(len(texts))
        for word in set(words(question)) & documents.keys():
            held = documents[word]
            rarity = math.log(1 + (len(texts) - held + 0.5) / (held + 0.5))
            times = np.array([text[word] for text in texts], float)
            scores += rarity * times * (BM25_K + 1) / (times + norm)
        return [int(place) for place in np.argsort(-scores, kind="stable")]

    return order


def embedding(case: Case) -> Callable[[str], Sequence[int]]:
    """By the cosine of a turn's vector and the question's."""
    vectors = embed([f"{turn.speaker}: {turn.shown}" for turn in case.dialogue.turns])

    def order(question: str) -> Sequence[int]:
        scores = vectors @ embed([question])[0]
        return [int(place) for place in np.argsort(-scores, kind="stable")]

    return order


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
