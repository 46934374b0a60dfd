import math

import numpy as np
import pytest

from learning.reward.validation import (
    Prediction,
    auc,
    calibration_error,
    judge_readiness,
    log_loss,
)


def up(probability: float) -> Prediction:
    return Prediction(probability, is_up=True)


def down(probability: float) -> Prediction:
    return Prediction(probability, is_up=False)


def test_thumbs_are_held_against_each_other():
    # Liked at 0.75 and 0.25; not liked at 0.5 and 0.25: 2 and a half of 4 are in order.
    found = auc([up(0.75), up(0.25), down(0.5), down(0.75)])

    assert found.value == pytest.approx(2.5 / 4)


def test_a_comparison_is_in_order_where_it_was_expected():
    found = auc([Prediction(0.7), Prediction(0.6), Prediction(0.4), Prediction(0.5)])

    assert found.value == pytest.approx(2.5 / 4)
    assert found.error == pytest.approx(math.sqrt(0.625 * 0.375 / 4))


def test_thumbs_of_which_hardly_any_are_of_one_kind_count_as_few():
    thumbs = [up(0.4)] + [down(0.4)] * 4
    # 0 of 4 pairs, worth 4 * 1 * 4 / 5 = 3.2 judgements; comparisons: 4 of 4.
    found = auc(thumbs + [Prediction(0.9)] * 4)

    assert found.value == pytest.approx(4 / (3.2 + 4))


def test_thumbs_and_comparisons_are_weighed_by_their_number():
    # Thumbs: 1 of 1, from two judgements. Comparisons: 0 of 1, from one.
    assert auc([up(0.8), down(0.8), Prediction(0.4)]).value == pytest.approx(2 / 3)


def test_thumbs_of_one_kind_show_nothing():
    assert auc([up(0.8), up(0.3)]) is None


def test_the_loss_of_a_coin():
    assert log_loss([up(0.5), down(0.5)]) == pytest.approx(math.log(2))
    assert log_loss([]) is None


def test_a_head_that_is_right_as_often_as_it_says_is_calibrated():
    random = np.random.default_rng(0)
    liked = random.uniform(0.1, 0.9, 4000)
    predictions = [up(p) if random.random() < p else down(1 - p) for p in liked]

    assert calibration_error(predictions) < 0.02


def test_a_head_that_is_too_sure_is_not():
    random = np.random.default_rng(0)
    predictions = [up(0.9) if random.random() < 0.6 else down(0.1) for _ in range(1000)]

    # It says 0.9 and is right in 0.6.
    assert calibration_error(predictions) == pytest.approx(0.3, abs=0.03)


def test_comparisons_are_asked_about_the_side_that_was_expected():
    predictions = ([Prediction(0.2)] + [Prediction(0.8)] * 4) * 10

    # It is sure by 0.8 and right in 40 of 50.
    assert calibration_error(predictions) < 0.05


def test_what_few_judgements_miss_by_chance_is_not_held_against_the_head():
    random = np.random.default_rng(1)
    errors = []
    for _ in range(40):
        liked = random.uniform(0.2, 0.8, 200)
        errors.append(
            calibration_error([up(p) if random.random() < p else down(1 - p) for p in liked])
        )

    assert np.mean(errors) < 0.06


def test_few_predictions_say_nothing_about_calibration():
    assert calibration_error([up(0.5)] * 19) is None


GOOD = [up(0.8), down(0.8)] * 10
BAD = [up(0.4), down(0.4)] * 10
POOR = [up(0.6), down(0.5), up(0.5), down(0.4)] * 6


def test_a_head_that_predicts_well_is_ready():
    assert judge_readiness(GOOD, by_hand=False) == judge_readiness(GOOD, by_hand=True) == ""


def test_a_head_that_predicts_the_opposite_is_ready_for_nobody():
    for by_hand in (True, False):
        assert "AUC 0.00" in judge_readiness(BAD, by_hand=by_hand)


def test_a_head_in_doubt_is_ready_by_hand_only():
    # Half of what can be held against each other is in order or tied: 0.5 + 0.125.
    assert auc(POOR).value < 0.6
    assert judge_readiness(POOR, by_hand=True) == ""
    assert "well enough" in judge_readiness(POOR, by_hand=False)


def test_a_head_that_has_shown_nothing_yet_is_ready_by_hand_only():
    assert judge_readiness(GOOD[:18], by_hand=True) == ""
    assert "20 are needed" in judge_readiness(GOOD[:18], by_hand=False)
