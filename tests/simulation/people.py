"""Simulated people: what they want, how they say so, and how often they slip.

A person decides by the answer's text alone. What they do at their n-th turn depends on the seed
and on n, so that a session that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tests.simulation.attributes import Opposite, Wish


class Kind(StrEnum):
    UP = "up"
    DOWN = "down"
    PREFERENCE = "preference"
    CORRECTION = "correction"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was served: the id that feedback refers to, its text and its policy."""

    id: str
    text: str
    policy: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """One piece of feedback, as the HTTP API takes it."""

    message: str
    kind: Kind
    text: str = ""
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """How people judge: shares of the ways to do so (the rest are thumbs), and slips.

    A slip is the other thumb, the worse of two answers, or praise in place of a correction.
    """

    preferences: float = 0.3
    corrections: float = 0.25
    comments: float = 0.05
    flip_rate: float = 0.1


@dataclass(frozen=True, slots=True)
class Turn:
    """From the event of this number on, the person wants something else."""

    at: int
    wish: Wish


@dataclass(frozen=True, slots=True)
class Person:
    """`eagerness` is how often they speak, compared with others."""

    number: int
    wish: Wish
    habits: Habits = Habits()
    eagerness: float = 1.0
    turn: Turn | None = None

    def wish_at(self, event: int) -> Wish:
        return self.turn.wish if self.turn and event >= self.turn.at else self.wish

    def way(self, draw: random.Random) -> Kind:
        """How they mean to judge next; a thumb is an `UP` until the answer is there."""
        habits, chance = self.habits, draw.random()
        for kind, share in (
            (Kind.PREFERENCE, habits.preferences),
            (Kind.CORRECTION, habits.corrections),
            (Kind.COMMENT, habits.comments),
        ):
            if chance < share:
                return kind
            chance -= share
        return Kind.UP

    def judge(
        self, way: Kind, answers: Sequence[Answer], event: int, draw: random.Random
    ) -> Reaction:
        """What they say of the answers (two where they meant to compare)."""
        wish, slips = self.wish_at(event), draw.random() < self.habits.flip_rate
        first = answers[0]
        if way is Kind.PREFERENCE and len(answers) > 1:
            better, worse = sorted(answers, key=lambda each: -wish.score(each.text))[:2]
            if wish.score(better.text) > wish.score(worse.text):
                chosen, rejected = (worse, better) if slips else (better, worse)
                return Reaction(chosen.id, Kind.PREFERENCE, over=rejected.id)
        is_met = wish.met(first.text)
        if way is Kind.COMMENT and not is_met:
            return Reaction(first.id, Kind.COMMENT, text=wish.complaint())
        if way is Kind.CORRECTION and not is_met and not slips:
            return Reaction(first.id, Kind.CORRECTION, text=wish.correct(first.text))
        return Reaction(first.id, Kind.UP if is_met != slips else Kind.DOWN)


def crowd(wish: Wish, count: int, habits: Habits = Habits()) -> list[Person]:
    """People who want the same."""
    return [Person(number, wish, habits) for number in range(count)]


def with_attackers(
    people: Sequence[Person], attackers: int, eagerness: float = 5.0
) -> list[Person]:
    """The last `attackers` of them work against the others' wish, loudly and without slips."""
    honest = len(people) - attackers
    loud = Habits(preferences=0.5, corrections=0.0, comments=0.0, flip_rate=0.0)
    return [
        person
        if person.number < honest
        else replace(person, wish=Opposite(person.wish), habits=loud, eagerness=eagerness)
        for person in people
    ]


def drifting(people: Sequence[Person], share: float, at: int, wish: Wish) -> list[Person]:
    """The first `share` of them want something else from event `at` on."""
    changing = round(share * len(people))
    return [
        replace(person, turn=Turn(at, wish)) if person.number < changing else person
        for person in people
    ]
