"""Whole turns in a window, and what they cost together."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable

from learning.memory.counting import Counting, Piece
from learning.memory.dialogue import Turn


class Packed:
    """Some turns of a dialogue, in their order; `tokens` is the window's size with them in it.

    Turns are named by their place in the dialogue.
    """

    def __init__(self, turns: tuple[Turn, ...], counting: Counting) -> None:
        self._turns, self._counting = turns, counting
        self.places: list[int] = []
        self._sessions: Counter[int] = Counter()
        self.tokens = counting.bare()

    def add(self, place: int) -> None:
        self.tokens += self.cost(place)
        insort(self.places, place)
        self._sessions[self._turns[place].session] += 1

    def remove(self, place: int) -> None:
        self.places.pop(bisect_left(self.places, place))
        self._sessions[self._turns[place].session] -= 1
        self.tokens -= self.cost(place)

    def cost(self, place: int) -> int:
        """What the window grows by with this turn, which is not in it."""
        turn, between = self._turns[place], self._counting.between
        index = bisect_left(self.places, place)
        before = self._turns[self.places[index - 1]] if index else None
        cost = self._counting.count(turn.shown) + between(before, turn)
        if index < len(self.places):
            after = self._turns[self.places[index]]
            cost += between(turn, after) - between(before, after)
        return cost + (0 if self._sessions[turn.session] else self._counting.day(turn))

    def fill(self, order: Iterable[int], limit: int) -> None:
        """Take the turns of an order in as far as each fits."""
        for place in order:
            if self.tokens + self.cost(place) <= limit:
                self.add(place)

    def pieces(self) -> tuple[Piece, ...]:
        return tuple(Piece(turn := self._turns[place], turn.shown) for place in self.places)
