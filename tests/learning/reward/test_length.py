import numpy as np
import pytest

from learning.config import RewardConfig
from learning.reward.length import (
    Contrast,
    LengthShare,
    correlation,
    log_length,
    supported,
    unsupported,
)

CONFIG = RewardConfig()
LENGTHS = np.log(np.arange(4.0, 104.0))


def preferences(count: int, longer_by: float) -> list[Contrast]:
    return [Contrast(longer_by, is_liked=True, weight=2.0, is_thumb=False)] * count


def even(count: int) -> list[Contrast]:
    """As many for the longer as for the shorter answer."""
    return preferences(count, 1.0) + preferences(count, -1.0)


def test_without_judgements_on_length_little_slope_is_taken_for_wanted():
    share = unsupported(5 * LENGTHS, LENGTHS, even(50), CONFIG)

    low, high = supported(even(50), CONFIG).interval
    assert -0.3 < low < 0 < high < 0.3
    assert share.excess == pytest.approx(5 - high)


def test_a_slope_that_people_show_to_want_stays():
    # Judgements say that shorter is better, and so does the head, no more than they do.
    shorter = preferences(40, -1.0)
    wanted = supported(shorter, CONFIG).slope

    share = unsupported(wanted * LENGTHS, LENGTHS, shorter, CONFIG)

    assert wanted < -1
    assert share.of(50) == 0


def test_only_what_goes_beyond_is_taken_off():
    shorter = preferences(40, -1.0)
    found = supported(shorter, CONFIG)

    share = unsupported(-9 * LENGTHS, LENGTHS, shorter, CONFIG)

    assert share.excess == pytest.approx(-9 - (found.slope - found.sd))


def test_a_slope_against_what_people_want_is_taken_off_whole():
    share = unsupported(2 * LENGTHS, LENGTHS, preferences(40, -1.0), CONFIG)

    assert share.excess == pytest.approx(2)


def test_an_answer_of_usual_length_keeps_its_score():
    share = LengthShare(excess=2.0, centre=log_length(20))

    assert share.of(20) == 0
    assert share.of(40) == pytest.approx(2 * np.log(2))


def test_people_who_like_everything_say_nothing_about_length():
    kind = [Contrast(by, is_liked=True, weight=0.5, is_thumb=True) for by in (-1.0, 1.0)] * 50

    assert supported(kind, CONFIG).slope == pytest.approx(0, abs=1e-6)


def test_a_few_answers_show_no_slope():
    assert unsupported(LENGTHS[:5], LENGTHS[:5], [], CONFIG) == LengthShare()
    assert correlation(LENGTHS[:5], LENGTHS[:5]) is None


def test_the_correlation_of_score_and_length():
    assert correlation(-LENGTHS, LENGTHS) == pytest.approx(-1)
    assert correlation(np.ones(20), LENGTHS[:20]) is None
