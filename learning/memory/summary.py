"""A rolling summary by extraction: the baseline of assistants that summarise what they drop.

The newest turns stay as they are. When the window is full, all but those in its last fourth go,
sentence by sentence, into a summary of at most half of it, where the sentences stay whose words are
the most usual in what was said so far.

SumBasic (Nenkova and Vanderwende 2005, *The Impact of Frequency on Summarization*): a sentence is
worth the mean probability of its words, and a word that was taken counts less from then on. It
departs from the paper in being done again on what is left, since nothing else is kept. No model
writes it: one of 135M parameters can't, and a larger one would be compared with itself.
"""

from __future__ import annotations

from collections import Counter
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from inference.diffusion.prompt import GAP
from inference.diffusion.sentences import sentences
from learning.memory.counting import Counting, Piece
from learning.memory.dialogue import Turn
from learning.memory.packing import Packed
from learning.memory.yardsticks import content

SUMMARY_SHARE = 2
RECENT_SHARE = 4


class _Sentence(NamedTuple):
    """One of a turn's sentences, both by their places."""

    turn: int
    number: int


class Summary:
    def __init__(self, turns: tuple[Turn, ...], counting: Counting, limit: int) -> None:
        self._turns, self._counting, self._limit = turns, counting, limit
        self._recent = Packed(turns, counting)
        self._summary: dict[_Sentence, str] = {}
        self._summary_tokens = 0
        self._heard: Counter[str] = Counter()

    def take(self, place: int, turn: Turn) -> None:
        self._heard.update(content(turn.shown))
        self._recent.add(place)
        if self._recent.tokens + self._summary_tokens <= self._limit:
            return
        while self._recent.tokens > self._limit // RECENT_SHARE:
            oldest = self._recent.places[0]
            self._recent.remove(oldest)
            for number, part in enumerate(sentences(self._turns[oldest].shown)):
                self._summary[_Sentence(oldest, number)] = part
        self._summarise(self._limit // SUMMARY_SHARE)

    def pieces(self) -> tuple[Piece, ...]:
        parts: dict[int, list[tuple[int, str]]] = {}
        for key, part in sorted(self._summary.items()):
            parts.setdefault(key.turn, []).append((key.number, part))
        summary = [Piece(self._turns[place], _joined(kept)) for place, kept in parts.items()]
        return (*summary, *self._recent.pieces())

    def _summarise(self, room: int) -> None:
        """Take the best sentence again and again; the value of the others can only have fallen."""
        weights = {word: times / self._heard.total() for word, times in self._heard.items()}
        words = {key: content(part) for key, part in self._summary.items()}
        queue = [(-_mean(words[key], weights), key) for key in words if words[key]]
        heapify(queue)
        chosen: dict[_Sentence, str] = {}
        self._summary_tokens = 0
        while queue:
            valued, key = queue[0]
            value = -_mean(words[key], weights)
            if value > valued:
                heapreplace(queue, (value, key))
                continue
            heappop(queue)
            cost = self._cost(key, chosen)
            if self._summary_tokens + cost <= room:
                self._summary_tokens += cost
                chosen[key] = self._summary[key]
                weights |= {word: weights[word] ** 2 for word in set(words[key])}
        self._summary = chosen

    def _cost(self, key: _Sentence, chosen: dict[_Sentence, str]) -> int:
        """What a sentence adds at most: a gap, and what is new of its turn and of its session."""
        turn = self._turns[key.turn]
        turns = {each.turn for each in chosen}
        sessions = {self._turns[place].session for place in turns}
        cost = self._counting.count(self._summary[key]) + self._counting.count(GAP)
        cost += 0 if key.turn in turns else self._counting.between(None, turn)
        return cost + (0 if turn.session in sessions else self._counting.day(turn))


def _mean(words: list[str], weights: dict[str, float]) -> float:
    return sum(weights[word] for word in words) / len(words)


def _joined(kept: list[tuple[int, str]]) -> str:
    """A turn's sentences, an ellipsis where one between them is missing."""
    text, last = "", None
    for number, part in kept:
        is_next = last is None or number == last + 1
        text = text + part if is_next else text.rstrip() + GAP + part.lstrip()
        last = number
    return text.strip()
