import pytest

from learning import intake
from learning.config import UpdateConfig
from learning.contracts import FeedbackKind
from learning.errors import NothingToLearnFrom
from learning.models import Judgement
from learning.worker.datasets import prompts_for, telling_judgements

from .. import tiny
from ..rows import judged, remembered

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


def test_only_judgements_that_say_something_and_stand_are_learned_from():
    up = judged(remembered(0))
    judged(remembered(1), FeedbackKind.COMMENT, text="Hm.")
    revoked = judged(remembered(2))
    Judgement.objects.update(version=1)
    intake.revoke(revoked)
    judged(remembered(3))

    assert [judgement.feedback for judgement in telling_judgements()] == [up]


def test_without_judgements_there_is_nothing_to_learn_from():
    judged(remembered(0))

    with pytest.raises(NothingToLearnFrom, match="nothing to learn from yet"):
        telling_judgements()
