"""Dialogues of our own making, with what may be asked of them known: to learn from what to keep.

Two people talk over many sessions. They tell things (`facts`), change and take back what they
told, show pictures, and mostly just talk: greet, react, ask back, comfort. A turn is evidence when
it says something that will be asked; one that was superseded or taken back is not.

A dialogue is a function of its seed and shape, whatever Python runs it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from string import Formatter
from typing import TypeVar

from learning.memory.dialogue import Dialogue, Question, Turn
from learning.memory.facts import DETAILS, FACTS, Fact
from learning.memory.words import (
    CAPTIONS,
    CLOSINGS,
    COMFORTS,
    OPENINGS,
    PEOPLE,
    QUESTIONS,
    REACTIONS,
    SLOTS,
)

T = TypeVar("T")
FIRST_DAY = date(2026, 1, 5)
RETRACTED = (
    "Please forget what I told you about that: “{said}”",
    "Never mind what I said, it wasn't true: “{said}”",
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a dialogue goes, mostly as shares of its turns.

    `adding` and `doubling` are how often a fact is followed by a detail and by another fact.
    """

    sessions: int = 20
    shortest: int = 12
    longest: int = 30
    telling: float = 0.4
    detail: float = 0.1
    adding: float = 0.4
    doubling: float = 0.15
    changing: float = 0.06
    retracting: float = 0.01
    pictures: float = 0.1


@dataclass
class _Told:
    """A fact as it stands: its slots, and the turn that says it last."""

    fact: Fact
    slots: dict[str, str]
    turn: str
    said: str


@dataclass
class _Maker:
    chance: random.Random
    shape: Shape
    speakers: tuple[str, str]
    turns: list[Turn] = field(default_factory=list)
    standing: list[_Told] = field(default_factory=list)

    def session(self, number: int, day: date) -> None:
        length = self.chance.randint(self.shape.shortest, self.shape.longest)
        first = self.chance.randrange(2)
        for place in range(length):
            speaker, other = (
                self.speakers[(first + place) % 2],
                self.speakers[(first + place + 1) % 2],
            )
            id = f"D{number}:{place + 1}"
            said = [text.format(other=other) for text in self._frame(place, length)]
            told = list(self._told(id, speaker)) if place else []
            closing = self._closing(bool(told))
            text = " ".join([*said, *told, *(text.format(other=other) for text in closing)])
            caption = self._caption(bool(told))
            self.turns.append(Turn(id, speaker, text, number, f"{day:%-d %B %Y}", caption))

    def _frame(self, place: int, length: int) -> list[str]:
        """How a turn begins."""
        if place == 0:
            return [self._one(OPENINGS)]
        if place >= length - 2 and self._happens(0.8):
            return [self._one(CLOSINGS)]
        return [self._one(REACTIONS)] if self._happens(0.6) else []

    def _told(self, id: str, speaker: str) -> Iterator[str]:
        """What the turn says that may be asked."""
        kind = self.chance.random()
        shape = self.shape
        if kind < shape.retracting and self.standing:
            yield self._retract()
        elif kind < shape.retracting + shape.changing and (old := self._changeable(speaker)):
            yield self._update(old, id)
        elif kind < shape.telling:
            yield self._tell(FACTS, id, speaker)
            if self._happens(shape.adding):
                yield self._tell(DETAILS, id, speaker)
            if self._happens(shape.doubling):
                yield self._tell(FACTS, id, speaker)
        elif kind < shape.telling + shape.detail:
            yield self._tell(DETAILS, id, speaker)

    def _closing(self, has_told: bool) -> list[str]:
        """What follows, and something at all in a turn that has told nothing."""
        comforts = [] if has_told and self._happens(0.8) else self._some(COMFORTS)
        asks = [self._one(QUESTIONS)] if self._happens(0.35 if has_told else 0.5) else []
        return [*comforts, *asks] if has_told or comforts or asks else [self._one(QUESTIONS)]

    def _tell(self, facts: Sequence[Fact], id: str, speaker: str) -> str:
        fact = self._one(facts)
        slots = {name: self._one(SLOTS[name]) for name in names_in(fact)} | {"speaker": speaker}
        said = _filled(self._one(fact.said), slots)
        self.standing.append(_Told(fact, slots, id, said))
        return said

    def _changeable(self, speaker: str) -> _Told | None:
        mine = [
            told for told in self.standing if told.fact.updates and told.slots["speaker"] == speaker
        ]
        return self._one(mine) if mine else None

    def _update(self, told: _Told, id: str) -> str:
        anew = {
            name: self._one([value for value in SLOTS[name] if value != told.slots[name]])
            for name in told.fact.changing
        }
        told.slots |= anew
        told.turn, told.said = id, _filled(self._one(told.fact.updates), told.slots)
        return told.said

    def _retract(self) -> str:
        told = self.standing.pop(self.chance.randrange(len(self.standing)))
        return self._one(RETRACTED).format(said=told.said)

    def _caption(self, has_told: bool) -> str:
        if not self._happens(self.shape.pictures * (2 if has_told else 0.4)):
            return ""
        text = self._one(CAPTIONS)
        return _filled(text, {name: self._one(SLOTS[name]) for name in _names(text)})

    def questions(self) -> Iterator[Question]:
        """Of what still stands, by the turn that said it last."""
        for told in self.standing:
            if self._happens(told.fact.asked):
                category = "update" if told.fact.updates else "fact"
                yield Question(
                    _filled(told.fact.question, told.slots),
                    _filled(told.fact.answer, told.slots),
                    (told.turn,),
                    category,
                    told.said,
                )

    def _some(self, texts: Sequence[str]) -> list[str]:
        return self.chance.sample(texts, self.chance.choice((0, 1, 1, 2)))

    def _one(self, choices: Sequence[T]) -> T:
        return self.chance.choice(choices)

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability


def dialogue(seed: int, shape: Shape | None = None) -> Dialogue:
    """The dialogue of this seed, with a question for most of what was told and still holds."""
    chance = random.Random(seed)
    shape = shape or Shape()
    first, second = chance.sample(PEOPLE, 2)
    maker = _Maker(chance, shape, (first, second))
    day = FIRST_DAY
    for number in range(1, shape.sessions + 1):
        maker.session(number, day)
        day += timedelta(days=chance.randint(1, 20))
    return Dialogue(f"own-{seed}", tuple(maker.turns), tuple(maker.questions()))


def names_in(fact: Fact) -> list[str]:
    """The slots that any way of saying or asking it has."""
    texts = (*fact.said, *fact.updates, fact.question, fact.answer)
    return sorted({name for text in texts for name in _names(text)} - {"speaker"})


def _names(text: str) -> list[str]:
    return [name.lower() for _, name, _, _ in Formatter().parse(text) if name]


def _filled(text: str, slots: dict[str, str]) -> str:
    capitals = {name.capitalize(): value[:1].upper() + value[1:] for name, value in slots.items()}
    return text.format(**slots, **capitals)
