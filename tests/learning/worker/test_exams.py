"""What people have handed in, as rows, becomes part of an exam."""

import pytest

from learning import intake
from learning.config import GateConfig
from learning.contracts import FeedbackKind
from learning.evaluation.held_out import is_held_out
from learning.models import Answer, Judgement, Participant
from learning.worker import exams, rewards

from .. import tiny
from ..rows import ADA, BEN, judged, remembered

pytestmark = pytest.mark.django_db(transaction=True)
CONFIG = GateConfig(held_out=4)
HELD_OUT = [p for n in range(200) if is_held_out(p := tiny.tokens(6, n))]
OTHERS = [p for n in range(40) if not is_held_out(p := tiny.tokens(6, n))]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> tiny.TinyWorkshop:
    folder = tmp_path_factory.mktemp("workshop")
    return tiny.TinyWorkshop(folder / "model", folder / "cache", "You help.", 2, CONFIG)


def prompts(person=None):
    return [(own.prompt, own.person) for own in exams.held_out_prompts(CONFIG, person)]


def test_only_prompts_that_are_held_out_are_asked():
    remembered(prompt=HELD_OUT[0])
    remembered(prompt=OTHERS[0])
    remembered(prompt=HELD_OUT[0])

    assert prompts() == [(HELD_OUT[0], ADA)]


def test_people_take_turns_and_their_newest_prompts_come_first():
    for prompt in HELD_OUT[:4]:
        remembered(prompt=prompt, person=ADA)
    remembered(prompt=HELD_OUT[4], person=BEN)

    assert prompts() == [
        (HELD_OUT[4], BEN),
        (HELD_OUT[3], ADA),
        (HELD_OUT[2], ADA),
        (HELD_OUT[1], ADA),
    ]
    assert prompts(BEN) == [(HELD_OUT[4], BEN)]


def test_all_prompts_of_people_who_are_held_out_will_do():
    Participant.objects.create(person=BEN, number=10, is_held_out=True)
    remembered(prompt=OTHERS[0], person=BEN)

    assert prompts() == [(OTHERS[0], BEN)]


def test_nothing_is_asked_that_was_dictated_or_is_by_people_left_out():
    Participant.objects.create(person=BEN, number=3)
    dictated = remembered(prompt=HELD_OUT[0])
    Answer.objects.filter(pk=dictated).update(is_dictated=True)
    remembered(prompt=HELD_OUT[1], person=BEN)
    intake.leave_out(3, by="Ada", because="They tell us to.")

    assert prompts() == []


def test_corrections_that_were_learned_from_are_held_against_what_they_corrected(workshop):
    for number in range(3):
        answer = remembered(number, prompt=(1, 2, 3), response=(number, 9))
        judged(answer, FeedbackKind.CORRECTION, text=f"Text {number}")
    rewards.catch_up(workshop.extractor, workshop.answer_ids)
    Judgement.objects.filter(text="Text 1").update(use=Judgement.Use.LEFT_OUT)

    found = exams.corrections(workshop, None)

    assert [contest.answers for contest in found] == [
        (workshop.answer_ids("Text 2"), (2, 9)),
        (workshop.answer_ids("Text 0"), (0, 9)),
    ]
    assert exams.corrections(workshop, BEN) == []


def test_an_exam_knows_what_people_wish_of_length(workshop):
    for number in range(12):
        response = tiny.tokens(40 if number % 2 else 4, number)
        answer = remembered(number, response=response)
        judged(answer, FeedbackKind.DOWN if number % 2 else FeedbackKind.UP)
    rewards.catch_up(workshop.extractor, workshop.answer_ids)

    paper = exams.exam_for(workshop, None)

    assert paper.length_wish < -1.645
    assert paper.rewards_of([(1, 2)], [[(3, 4)]])
