import pytest

from learning import intake
from learning.config import UpdateConfig
from learning.contracts import FeedbackKind
from learning.errors import NothingToLearnFrom
from learning.evaluation.held_out import is_held_out
from learning.models import Answer, Judgement, Participant
from learning.policy.hindsight import Lessons
from learning.worker.datasets import judged_examples, lessons, prompts_for, telling_judgements

from .. import tiny
from ..rows import ADA, BEN, judged, remembered

pytestmark = pytest.mark.django_db

BANK = [tiny.tokens(7, 900 + n) for n in range(20)]
CONFIG = UpdateConfig(prompts=8, bank_share=0.25)


def test_a_quarter_of_the_prompts_is_the_bank_s_and_none_comes_twice():
    own = {tiny.tokens(6, number) for number in range(30) if remembered(number)}
    prompts = prompts_for(CONFIG, BANK)

    for step in range(5):
        chosen = prompts(step)

        assert len(set(chosen)) == 8
        assert len(own & set(chosen)) == 6
        assert len(set(BANK) & set(chosen)) == 2


def test_where_people_asked_little_the_bank_fills_the_batch():
    remembered(0)

    chosen = prompts_for(CONFIG, BANK)(0)

    assert len(chosen) == 8
    assert tiny.tokens(6, 0) in chosen


def test_steps_differ_and_seeds_repeat_them():
    for number in range(30):
        remembered(number)

    one, again = prompts_for(CONFIG, BANK), prompts_for(CONFIG, BANK)

    assert one(0) == again(0)
    assert one(0) != one(1)


def test_long_prompts_are_left_out():
    config = CONFIG.model_copy(update={"max_prompt_tokens": 6})
    remembered(0, prompt=tiny.tokens(7, 0))

    with pytest.raises(NothingToLearnFrom, match="at most 6 tokens"):
        prompts_for(config, BANK)


def test_without_any_answer_there_is_nothing_to_learn_from():
    with pytest.raises(NothingToLearnFrom):
        prompts_for(CONFIG, BANK)


def taken_in(use: str = "learned") -> None:
    """What the reward worker writes down when it takes in all that waits."""
    Judgement.objects.filter(version=None).update(version=1, use=use)


def test_only_judgements_that_the_head_learned_from_and_that_stand_are_learned_from():
    up = judged(remembered(0))
    revoked = judged(remembered(2))
    taken_in()
    intake.revoke(revoked)
    judged(remembered(4))
    taken_in("held_out")
    judged(remembered(5))

    assert [judgement.feedback for judgement in telling_judgements()] == [up]


def test_a_person_s_own_update_learns_from_what_that_person_said():
    judged(remembered(0))
    own = judged(remembered(2, person=BEN), person=BEN)
    taken_in()

    assert [judgement.feedback for judgement in telling_judgements(person=BEN)] == [own]


def test_prompts_of_people_who_are_held_out_or_left_out_are_nobody_else_s():
    theirs = {tiny.tokens(6, number) for number in range(0, 30, 2)}
    for number in range(30):
        remembered(number, person=BEN if number % 2 == 0 else ADA)
    Participant.objects.create(person=BEN, number=10, is_held_out=True)

    assert theirs.isdisjoint(prompts_for(CONFIG, BANK)(0))
    assert theirs & set(prompts_for(CONFIG, BANK, person=BEN)(0))


def test_held_out_prompts_and_those_that_said_what_to_answer_are_left_out():
    for number in range(60):
        remembered(number)
    dictated = Answer.objects.order_by("pk").first()
    Answer.objects.filter(pk=dictated.pk).update(is_dictated=True)
    prompts = prompts_for(CONFIG, BANK)

    chosen = {prompt for step in range(40) for prompt in prompts(step)} - set(BANK)

    assert len(chosen) > 40
    assert not any(is_held_out(prompt) for prompt in chosen)
    assert tuple(dictated.prompt_token_ids) not in chosen


def test_half_of_the_prompts_are_fresh_and_three_tenths_older():
    """Ten prompts: five of the newest 64 answers, three judged before, two of the bank."""
    config = UpdateConfig(prompts=10)
    old = [number for number in range(20) if not is_held_out(tiny.tokens(6, number))]
    for number in old:
        judged(remembered(number))
    for number in range(100, 164):
        remembered(number)

    chosen = prompts_for(config, BANK)(0)

    assert sum(prompt in {tiny.tokens(6, number) for number in old} for prompt in chosen) <= 3
    assert sum(prompt in BANK for prompt in chosen) == 2
    assert len(set(chosen)) == 10


def test_each_judgement_says_which_answers_are_liked():
    texts = {"Better.": (7, 8, 9)}
    answers = [remembered(number) for number in (0, 2, 4, 5, 6)]
    judged(answers[0])
    judged(answers[1], FeedbackKind.DOWN)
    judged(answers[2], FeedbackKind.CORRECTION, text="Better.")
    judged(answers[3], FeedbackKind.COMMENT, text="Hm.")
    taken_in()

    found = judged_examples(CONFIG, texts.__getitem__)

    said = [(each.prompt, each.response, each.is_liked) for each in found]
    assert said == [
        (tiny.tokens(6, 0), tiny.tokens(5, 1000), True),
        (tiny.tokens(6, 2), tiny.tokens(5, 1002), False),
        (tiny.tokens(6, 4), (7, 8, 9), True),
        (tiny.tokens(6, 4), tiny.tokens(5, 1004), False),
    ]


def test_words_and_corrections_are_lessons_only_where_they_are_switched_on(tmp_path):
    workshop = tiny.TinyWorkshop(tmp_path, tmp_path, "Be kind.", 2)
    judged(remembered(0), FeedbackKind.DOWN, text="too long")
    judged(remembered(1), FeedbackKind.CORRECTION, text="Nobody has reviewed this.")
    intake.accept(judged(remembered(2), FeedbackKind.CORRECTION, text="Yes."))
    intake.accept(judged(remembered(3)), text="Reviewed.")
    taken_in()

    off = lessons(CONFIG, workshop)
    on = lessons(CONFIG.changed(hindsight_share=0.2), workshop)

    assert off == Lessons()
    (hint,) = on.hints
    assert hint.prompt == tiny.tokens(6, 0)
    told = workshop.tokenizer.decode(hint.told[len(hint.prompt) + 5 :])
    assert told.startswith("\ntoo long\nPlease answer")
    texts = [workshop.tokenizer.decode(each.corrected[:-1]) for each in on.corrections]
    assert texts == ["Reviewed.", "Yes."]


def test_without_judgements_there_is_nothing_to_learn_from():
    judged(remembered(0))

    with pytest.raises(NothingToLearnFrom, match="nothing to learn from yet"):
        telling_judgements()
