"""What a simulated person can wish an answer to be, and how that is checked and brought about.

A family draws a wish from a seed. Further families are plugged in by the path of a function, as
in `my_package.wishes:rhyming`: it takes a `random.Random` and returns a `Wish`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|[Mm]y|[Mm]e|[Mm]ine|[Mm]yself)\b")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ITEMS_OF_A_LIST = 2


class Wish(Protocol):
    """A hidden preference over something that can be computed from an answer's text."""

    @property
    def name(self) -> str: ...

    def met(self, answer: str) -> bool: ...

    def score(self, answer: str) -> float:
        """From 0 to 1, 1 where it is met: of two answers the person prefers the higher."""
        ...

    def correct(self, answer: str) -> str:
        """The answer as the person would have had it; meets the wish."""
        ...

    def complaint(self) -> str:
        """What the person says of an answer that does not meet it."""
        ...

    def instruction(self) -> str:
        """The wish in words, as one would add it to a question."""
        ...


Family = Callable[[random.Random], Wish]


@dataclass(frozen=True, slots=True)
class Short:
    """At least three words, and at most `most`."""

    most: int
    least: int = 3

    @property
    def name(self) -> str:
        return f"{self.least} to {self.most} words"

    def met(self, answer: str) -> bool:
        return self.least <= len(answer.split()) <= self.most

    def score(self, answer: str) -> float:
        words = len(answer.split())
        if words < self.least:
            return 0.0
        return min(1.0, self.most / words)

    def correct(self, answer: str) -> str:
        kept = ""
        for sentence in sentences(answer):
            longer = f"{kept} {sentence}".strip()
            if len(longer.split()) > self.most:
                break
            kept = longer
        if len(kept.split()) >= self.least:
            return kept
        words = f"{answer} That is all.".split()
        return " ".join(words[: self.most]).rstrip(",;:.") + "."

    def complaint(self) -> str:
        return "That is too long for me."

    def instruction(self) -> str:
        return f"Answer in at most {self.most} words."


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of two items or more, or else no list at all."""

    wanted: bool

    @property
    def name(self) -> str:
        return "a list" if self.wanted else "no list"

    def met(self, answer: str) -> bool:
        if self.wanted:
            return len(ITEM.findall(answer)) >= ITEMS_OF_A_LIST
        return bool(answer.strip()) and not ITEM.search(answer)

    def score(self, answer: str) -> float:
        items = min(len(ITEM.findall(answer)) / ITEMS_OF_A_LIST, 1.0)
        return items if self.wanted else float(self.met(answer))

    def correct(self, answer: str) -> str:
        lines = sentences(ITEM.sub("", answer)) or ["It depends."]
        if not self.wanted:
            return " ".join(lines)
        return "\n".join(
            f"- {line}" for line in [*lines, "That is the gist."][: max(2, len(lines))]
        )

    def complaint(self) -> str:
        return "I would rather have a list." if self.wanted else "Please, no lists."

    def instruction(self) -> str:
        return "Answer with a list." if self.wanted else "Answer in prose, without a list."


@dataclass(frozen=True, slots=True)
class AsksBack:
    """The answer ends with a question."""

    @property
    def name(self) -> str:
        return "ends with a question"

    def met(self, answer: str) -> bool:
        return answer.rstrip().rstrip("\"')*").endswith("?")

    def score(self, answer: str) -> float:
        return 1.0 if self.met(answer) else 0.5 * ("?" in answer)

    def correct(self, answer: str) -> str:
        return " ".join([*sentences(answer)[:2], "Would you like to know more?"])

    def complaint(self) -> str:
        return "Ask me something back."

    def instruction(self) -> str:
        return "End your answer with a question."


@dataclass(frozen=True, slots=True)
class Numbers:
    """Some digit, or none."""

    wanted: bool

    @property
    def name(self) -> str:
        return "has digits" if self.wanted else "no digits"

    def met(self, answer: str) -> bool:
        return bool(answer.strip()) and bool(re.search(r"\d", answer)) is self.wanted

    def score(self, answer: str) -> float:
        return float(self.met(answer))

    def correct(self, answer: str) -> str:
        if self.wanted:
            return f"There are 2 things to say. {answer.strip()}"
        return re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", answer).strip() or "None."

    def complaint(self) -> str:
        return "Give me numbers." if self.wanted else "Leave the numbers out."

    def instruction(self) -> str:
        return "Use at least one number." if self.wanted else "Do not use any digits."


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """Speaks as `I`, or does not."""

    wanted: bool

    @property
    def name(self) -> str:
        return "first person" if self.wanted else "no first person"

    def met(self, answer: str) -> bool:
        return bool(answer.strip()) and bool(FIRST_PERSON.search(answer)) is self.wanted

    def score(self, answer: str) -> float:
        return float(self.met(answer))

    def correct(self, answer: str) -> str:
        if self.wanted:
            return f"I think so: {answer.strip()}"
        left = [each for each in sentences(answer) if not FIRST_PERSON.search(each)]
        return " ".join(left) or "It depends on the case."

    def complaint(self) -> str:
        return "Speak for yourself." if self.wanted else "Don't talk about yourself."

    def instruction(self) -> str:
        return "Answer in the first person." if self.wanted else "Do not use the first person."


@dataclass(frozen=True, slots=True)
class Exclaims:
    """An exclamation mark somewhere, or none."""

    wanted: bool

    @property
    def name(self) -> str:
        return "exclaims" if self.wanted else "does not exclaim"

    def met(self, answer: str) -> bool:
        return bool(answer.strip()) and ("!" in answer) is self.wanted

    def score(self, answer: str) -> float:
        return float(self.met(answer))

    def correct(self, answer: str) -> str:
        if not self.wanted:
            return answer.replace("!", ".") if answer.strip() else "Yes."
        first, *rest = sentences(answer) or ["Sure"]
        return " ".join([first.rstrip(".!?:,") + "!", *rest])

    def complaint(self) -> str:
        return "Show some enthusiasm!" if self.wanted else "Calm down, please."

    def instruction(self) -> str:
        return "Use an exclamation mark." if self.wanted else "Do not use exclamation marks."


@dataclass(frozen=True, slots=True)
class All:
    """Several wishes at once; a later one's correction must not undo an earlier one's."""

    wishes: tuple[Wish, ...]

    @property
    def name(self) -> str:
        return " and ".join(wish.name for wish in self.wishes)

    def met(self, answer: str) -> bool:
        return all(wish.met(answer) for wish in self.wishes)

    def score(self, answer: str) -> float:
        return sum(wish.score(answer) for wish in self.wishes) / len(self.wishes)

    def correct(self, answer: str) -> str:
        for wish in self.wishes:
            answer = answer if wish.met(answer) else wish.correct(answer)
        return answer

    def complaint(self) -> str:
        return " ".join(wish.complaint() for wish in self.wishes)

    def instruction(self) -> str:
        return " ".join(wish.instruction() for wish in self.wishes)


@dataclass(frozen=True, slots=True)
class Opposite:
    """What somebody wants who wants others not to get theirs. Corrects nothing."""

    wish: Wish

    @property
    def name(self) -> str:
        return f"not ({self.wish.name})"

    def met(self, answer: str) -> bool:
        return not self.wish.met(answer)

    def score(self, answer: str) -> float:
        return 1 - self.wish.score(answer)

    def correct(self, answer: str) -> str:
        return answer

    def complaint(self) -> str:
        return "I want something else."

    def instruction(self) -> str:
        return f"Never do this: {self.wish.instruction()}"


FAMILIES: dict[str, Family] = {
    "length": lambda draw: Short(draw.choice([16, 20, 24])),
    "list": lambda _: Listed(wanted=True),
    "question": lambda _: AsksBack(),
    "digits": lambda _: Numbers(wanted=True),
    "first_person": lambda _: FirstPerson(wanted=True),
    "exclamation": lambda _: Exclaims(wanted=True),
    # A small model meets these nearly always, so there is little to gain.
    "prose": lambda _: Listed(wanted=False),
    "no_digits": lambda _: Numbers(wanted=False),
    "no_first_person": lambda _: FirstPerson(wanted=False),
    "no_exclamation": lambda _: Exclaims(wanted=False),
}


def wish_of(family: str, seed: int) -> Wish:
    """The wish that a family draws with this seed.

    Raises:
        ValueError: no family of this name, and not the path of one.
    """
    if family in FAMILIES:
        draw = FAMILIES[family]
    else:
        module, _, function = family.partition(":")
        if not function:
            known = ", ".join(FAMILIES)
            raise ValueError(f"{family!r}: neither a family ({known}) nor package.module:function")
        draw = getattr(import_module(module), function)
    return draw(random.Random(f"wish {family} {seed}"))


def sentences(text: str) -> list[str]:
    return [piece.strip() for piece in SENTENCE.split(text.strip()) if piece.strip()]
