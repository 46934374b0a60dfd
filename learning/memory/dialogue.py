"""A long dialogue and what may be asked about it: the values that readers and makers share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of the two said. `session` counts from 1, `when` is its date in words.

    `caption` describes an image that was shown with it, empty where there was none.
    """

    id: str
    speaker: str
    text: str
    session: int
    when: str
    caption: str = ""

    @property
    def shown(self) -> str:
        """The text as memory sees it, an image by its caption."""
        return f"{self.text} [image: {self.caption}]" if self.caption else self.text


@dataclass(frozen=True, slots=True)
class Question:
    """`evidence` names the turns that hold the answer; all of them are needed to give it whole.

    `quote` are the very words of the one turn that say it, where they are known.
    """

    text: str
    answer: str
    evidence: tuple[str, ...]
    category: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Dialogue:
    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]

    def worth(self) -> dict[str, float]:
        """For each turn's id, how many questions it answers; a shared one counts its part."""
        worth = {turn.id: 0.0 for turn in self.turns}
        for question in self.questions:
            for turn in question.evidence:
                worth[turn] += 1 / len(question.evidence)
        return worth
