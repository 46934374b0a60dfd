"""Dialogues of our own making."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from learning.memory.dialogue import Dialogue
from learning.memory.dialogues import RETRACTED, Shape, dialogue

SEEDS = range(20)


def text_of(made: Dialogue) -> dict[str, str]:
    return {turn.id: turn.text for turn in made.turns}


def test_a_seed_always_gives_the_same_dialogue_and_another_seed_another():
    program = "from learning.memory.dialogues import dialogue; print(hash(str(dialogue(7))))"

    # Hashes of texts differ from process to process unless told not to.
    elsewhere = subprocess.run(
        [sys.executable, "-c", program.replace("hash(str(dialogue(7)))", "dialogue(7)")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "5"},
    )

    assert elsewhere.stdout.strip() == str(dialogue(7))
    assert dialogue(7) != dialogue(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_answer_is_said_in_its_evidence(seed: int):
    made = dialogue(seed)

    said = text_of(made)
    for question in made.questions:
        [turn] = question.evidence
        assert question.answer.casefold() in said[turn].casefold(), (question, said[turn])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_turns_are_told_apart_in_the_order_of_time(seed: int):
    made = dialogue(seed)

    assert len(text_of(made)) == len(made.turns)
    sessions = [turn.session for turn in made.turns]
    assert sessions == sorted(sessions)
    assert sessions[-1] == 20
    assert all(turn.text.strip() for turn in made.turns)
    assert "{" not in "".join(turn.shown for turn in made.turns)


def test_what_was_changed_is_asked_of_the_turn_that_changed_it():
    often = replace(Shape(), changing=0.3, telling=0.6)

    made = dialogue(3, often)

    said = text_of(made)
    changed = [question for question in made.questions if question.category == "update"]
    assert any("now" in said[question.evidence[0]] for question in changed)
    # One turn answers a question about the same fact once, however often the fact was changed.
    asked = [(question.text, question.evidence) for question in changed]
    assert len(asked) == len(set(asked))


def test_what_was_taken_back_is_asked_no_more():
    plain = Shape(sessions=5, telling=1.0, changing=0.0, retracting=0.3, adding=0.0, doubling=0.0)

    made = dialogue(5, plain)

    beginnings = tuple(form.split("“")[0] for form in RETRACTED)
    taken_back = [turn for turn in made.turns if any(each in turn.text for each in beginnings)]
    # Every turn but a session's first tells one thing or takes one back.
    told = len(made.turns) - plain.sessions - len(taken_back)
    assert taken_back
    assert len(made.questions) == told - len(taken_back)


def test_a_dialogue_can_have_thousands_of_turns():
    long = dialogue(1, replace(Shape(), sessions=200))

    # 200 sessions of 12 to 30 turns.
    assert 2_400 <= len(long.turns) <= 6_000
    assert sum(long.worth().values()) == pytest.approx(len(long.questions))


def test_most_turns_are_worth_nothing_and_some_have_a_picture():
    made = [dialogue(seed) for seed in SEEDS]

    turns = [turn for each in made for turn in each.turns]
    worthless = sum(worth == 0 for each in made for worth in each.worth().values())
    assert 0.5 < worthless / len(turns) < 0.75
    assert 0.03 < sum(bool(turn.caption) for turn in turns) / len(turns) < 0.25
