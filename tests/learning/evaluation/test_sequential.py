"""Bets that may be looked at any time: what they win, and how seldom they are wrong."""

import math

import numpy as np
import pytest

from learning.evaluation import sequential

LOOKS = 2_000
TRIALS = 200


def test_nothing_seen_is_nothing_won():
    assert sequential.peak([], 0.5) == 1
    assert sequential.worse([], 0.05) == 1


def test_the_wealth_is_that_of_all_stakes_together(monkeypatch):
    monkeypatch.setattr(sequential, "STAKES", (0.25, 0.5))

    # Of a mean of 0.5 the stakes are 0.5 and 1. Two wins of 0.5 each, then a loss:
    # (1.25 ** 2 + 1.5 ** 2) / 2 = 1.90625 is the peak; after the loss it would be
    # (1.25 ** 2 * 0.75 + 1.5 ** 2 * 0.5) / 2 = 1.1484375.
    assert sequential.peak([1.0, 1.0, 0.0], 0.5) == pytest.approx(1.90625)


def test_ties_within_the_margin_win_nothing():
    assert sequential.worse([(True, True), (False, False)] * 50, 0.05) == 1


def test_a_score_that_is_always_lost_can_not_ruin_the_doubter():
    assert sequential.peak([0.0] * 1_000, 0.5) == 1


def test_wealth_stays_a_number_that_json_knows():
    assert math.isfinite(sequential.peak([1.0] * 10_000, 0.5))


def test_a_mean_that_no_score_can_exceed_is_refused():
    with pytest.raises(ValueError, match="mean"):
        sequential.peak([1.0], 1.0)


def test_ten_disliked_answers_in_a_row_against_none_are_enough():
    pairs = [(True, False)] * 10

    assert sequential.worse(pairs[:5], 0.05) < 80 <= sequential.worse(pairs, 0.05)


def test_being_better_and_being_worse_are_two_questions():
    liked = [(False, True)] * 12

    assert sequential.better(liked) > 20
    assert sequential.worse(liked, 0.05) == 1


def test_one_hiccup_does_not_make_a_version_slow():
    assert sequential.slower([(10.0, 10.0)] * 20 + [(60_000.0, 10.0)], 1.5) < 2
    assert sequential.slower([(16.0, 10.0)] * 9, 1.5) > 80


def test_a_new_answer_is_paired_with_the_latest_old_one_before_it():
    arrivals = [(False, "a"), (False, "b"), (True, "X"), (True, "Y"), (True, "Z"), (False, "c")]

    assert sequential.pairs(arrivals) == [("X", "b"), ("Y", "a"), ("Z", "c")]


def test_old_values_from_before_serve_where_there_are_no_others():
    arrivals = [(True, "X"), (False, "a"), (True, "Y"), (True, "Z")]

    made = sequential.pairs(arrivals, before=["p", "q"])

    assert made == [("X", "q"), ("Y", "a"), ("Z", "p")]


def test_a_stand_in_takes_the_place_of_a_missing_partner():
    assert sequential.pairs([(True, 1), (False, 2)], stand_in=0) == [(1, 0)]


def test_what_was_paired_stays_paired():
    rng = np.random.default_rng(3)
    arrivals = [(bool(coin), index) for index, coin in enumerate(rng.random(60) < 0.5)]
    all_of_them = sequential.pairs(arrivals)

    for seen in range(len(arrivals)):
        made = sequential.pairs(arrivals[:seen])

        assert made == all_of_them[: len(made)]


@pytest.mark.parametrize(
    ("new", "old", "margin"), [(0.3, 0.3, 0.05), (0.35, 0.3, 0.05), (0.02, 0.02, 0.02)]
)
def test_a_version_that_does_no_harm_is_hardly_ever_blamed(new, old, margin):
    rng = np.random.default_rng(7)

    blamed = sum(
        sequential.worse(_pairs(rng, new, old, LOOKS), margin) >= 20 for _ in range(TRIALS)
    )

    # At most 5 % by Ville; three standard errors of 200 coin tosses are 4.6 %.
    assert blamed / TRIALS <= 0.05 + 0.046


def test_a_version_as_fast_as_the_other_is_hardly_ever_blamed():
    rng = np.random.default_rng(8)

    blamed = sum(
        sequential.peak(list(np.float64(rng.random(LOOKS) < 0.5)), 0.5) >= 20 for _ in range(TRIALS)
    )

    assert blamed / TRIALS <= 0.05 + 0.046


@pytest.mark.parametrize(
    ("new", "old", "margin", "pairs"),
    [(0.6, 0.2, 0.05, 100), (0.4, 0.2, 0.05, 500), (0.2, 0.01, 0.02, 150)],
)
def test_a_version_that_does_harm_is_found_out_nine_times_of_ten(new, old, margin, pairs):
    rng = np.random.default_rng(9)

    found = sum(sequential.worse(_pairs(rng, new, old, pairs), margin) >= 80 for _ in range(100))

    assert found >= 90


def _pairs(rng, new, old, count):
    return list(
        zip((rng.random(count) < new).tolist(), (rng.random(count) < old).tolist(), strict=True)
    )
