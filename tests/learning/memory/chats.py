"""Small dialogues, for measuring by hand."""

from __future__ import annotations

from collections.abc import Sequence

from learning.memory.counting import Layout, Words
from learning.memory.dialogue import Dialogue, Question, Turn
from learning.memory.policies import Case, Heard

DAYS = ("", "1:56 pm on 8 May, 2023", "9:00 am on 3 June, 2023")


def said(*texts: str, second_session: int = 99) -> tuple[Turn, ...]:
    """Ada and Ben in turns; from the turn `second_session` on it is another day."""
    return tuple(
        Turn(
            id=f"D{1 + (place >= second_session)}:{place}",
            speaker=("Ada", "Ben")[place % 2],
            text=text,
            session=1 + (place >= second_session),
            when=DAYS[1 + (place >= second_session)],
        )
        for place, text in enumerate(texts)
    )


def asked(*evidence: str, text: str = "What?", answer: str = "this") -> Question:
    return Question(text, answer, evidence, "one turn")


def case(
    turns: Sequence[Turn],
    *questions: Question,
    needs: Sequence[float] = (),
    surprisal: Sequence[float] = (),
) -> Case:
    """Counted in words, with log-odds and surprisal for each turn where they are given."""
    dialogue = Dialogue("chat", tuple(turns), questions)
    layout = Layout(dialogue)
    heard = {
        turn.id: Heard(
            ((len(turn.shown), needs[place]),) if needs else (),
            surprisal[place] if surprisal else 0.0,
        )
        for place, turn in enumerate(turns)
    }
    return Case(dialogue, Words(layout), layout, heard)
