"""Figures of small dialogues, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from learning.memory.counting import Piece, Way
from learning.memory.dialogue import Dialogue, Question
from learning.memory.evaluation import (
    POLICIES,
    Hearing,
    OverBudget,
    ceiling,
    measured,
    run,
    sampled,
)
from learning.memory.measuring import Plan, measure
from learning.memory.policies import Heard
from learning.memory.yardsticks import answer_recall, content, spread
from tests.learning import tiny
from tests.learning.memory.chats import asked, case, said

TURNS = said("one", "two", "three", "four", "five")
# The last two turns and the day fit.
TWO = 3 + 2 * 5


def test_evidence_is_counted_by_turns_that_are_whole():
    given = case(TURNS, asked("D1:4"), asked("D1:0"), asked("D1:3", "D1:0"))

    found = measured(given, run("sliding", given, TWO))

    # One question has all of its evidence in the window, one half of it, one none.
    assert found.evidence == pytest.approx((1 + 0 + 0.5) / 3)
    assert found.all_evidence == pytest.approx(1 / 3)
    assert found.peak_tokens == TWO


def test_answers_are_looked_for_by_their_words_in_texts_and_days():
    given = case(
        TURNS,
        asked("D1:0", answer="Four of the 8 in May"),
        asked("D1:0", answer="one two"),
        asked("D1:0", answer="Yes"),
    )

    found = measured(given, run("sliding", given, TWO))

    # four, 8 and may are all there, one and two gone; "yes" says nothing alone.
    assert found.answer_words == pytest.approx((1 + 0) / 2)
    assert ceiling(given.dialogue) == 1


def test_an_engine_reads_again_what_stands_after_the_first_change():
    given = case(TURNS, asked("D1:0"))

    found = measured(given, run("sliding", given, TWO))

    # The first turn brings 8 tokens with the day, the second 5; then all 13 move each time.
    assert found.forwarded_tokens == pytest.approx((8 + 5 + 3 * 13) / 5)


def test_what_a_model_read_is_shared_among_the_turns():
    given = case(TURNS, asked("D1:4"))
    hearing = Hearing({}, tokens=100, seconds=1.0)

    found = measured(given, run("sliding", given, TWO), hearing=hearing)

    assert found.read_tokens == 20
    assert found.turn_ms > 200


def test_questions_to_one_window_are_put_together_and_to_several_apart():
    questions = [asked("D1:0", text="one"), asked("D1:1", text="two")]
    given = case(TURNS, *questions)
    put: list[int] = []

    def judge(pieces: tuple[Piece, ...], group: list[Question]) -> list[float]:
        put.append(len(group))
        return [-2.0] * len(group)

    same = measured(given, run("sliding", given, TWO), sample=questions, judge=judge)
    measured(given, run("bm25", given, 3 + 5), sample=questions, judge=judge)

    assert same.answer_nats == -2.0
    assert put == [2, 1, 1]


def test_a_window_over_its_budget_is_an_error(monkeypatch: pytest.MonkeyPatch):
    given = case(TURNS)
    monkeypatch.setattr(type(given.counting), "size", lambda self, pieces: 99)

    with pytest.raises(OverBudget, match="99 tokens in a window of 13"):
        run("sliding", given, TWO)


def test_the_sample_is_the_same_for_a_seed_and_has_answers():
    questions = [asked("D1:0", text=str(number)) for number in range(20)]
    unanswered = replace(asked("D1:0"), answer=" ")
    dialogue = Dialogue("chat", TURNS, (*questions, unanswered))

    assert sampled(dialogue, 5, seed=1) == sampled(dialogue, 5, seed=1)
    assert sampled(dialogue, 5, seed=1) != sampled(dialogue, 5, seed=2)
    assert unanswered not in sampled(dialogue, 99, seed=1)


def test_content_words_are_in_lower_case_and_say_something():
    assert content("The 7th of May, at Ada's") == ["7th", "may", "ada"]
    assert answer_recall(asked(answer="Cebu in 2019"), {"cebu"}) == 0.5


def test_the_spread_of_one_conversation_is_unknown():
    # The mean of 1 and 3 is 2; each is 1 off, over one degree of freedom.
    assert spread([1.0, 3.0]).deviation == pytest.approx(2**0.5)
    assert spread([0.5]).deviation is None


class Model:
    """Says the same of every turn."""

    reader = "a fake"
    context_tokens = 512

    def needs(self, dialogue: Dialogue) -> Hearing:
        return self._hearing(dialogue)

    def surprisal(self, dialogue: Dialogue) -> Hearing:
        return self._hearing(dialogue)

    def nats(self, layout, pieces, questions) -> list[float]:
        return [-1.0 for _ in questions]

    def _hearing(self, dialogue: Dialogue) -> Hearing:
        heard = {turn.id: Heard(((len(turn.shown), 0.0),), 1.0) for turn in dialogue.turns}
        return Hearing(heard, 10, 0.1)


def test_everything_is_measured_once_for_each_way_policy_and_budget():
    dialogues = [
        Dialogue(name, said(*["Some words, and more of them."] * 60), (asked("D1:7"),))
        for name in ("first", "second")
    ]
    plan = Plan(POLICIES, (256, 512), tuple(Way), judged=Way.POLICY, questions=1)
    lines: list[str] = []

    cells = list(measure(dialogues, plan, tiny.tokenizer(), Model(), lines.append))

    places = {(cell.dialogue, cell.way, cell.policy, cell.budget) for cell in cells}
    assert len(places) == len(cells) == 2 * 2 * len(POLICIES) * 2
    assert all(cell.measured.peak_tokens <= cell.budget for cell in cells)
    judged = {(cell.way, cell.budget) for cell in cells if cell.measured.answer_nats is not None}
    # A window of 512 tokens leaves no room for a question in the model's context.
    assert judged == {(Way.POLICY, 256)}
    assert any("second (2 of 2)" in line for line in lines)
