import numpy as np
import pytest

from learning.config import RewardConfig
from learning.reward.model import Head, Thumb
from learning.reward.rewarder import BLANK_COST, REPEAT_COST, Rewarder, rule_costs

END = frozenset({9})


def first_token(answers):
    """One feature: whether the answer starts with token 1."""
    return np.array([[float(answer[0] == 1)] for _, answer in answers], dtype=np.float32)


def test_an_answer_like_those_that_were_liked_is_worth_more():
    config = RewardConfig()
    head = Head.prior(1, config)
    for _ in range(5):
        head = head.after(Thumb(np.array([1.0], dtype=np.float32), is_up=True), config)
    rewarder = Rewarder(first_token, head, config, END)

    ((liked, other),) = rewarder([(5,)], [[(1, 2), (3, 2)]])

    assert liked > other


def test_uncertainty_is_taken_off():
    config = RewardConfig(prior_sd=2.0, bias_sd=1.0, caution=0.5)
    rewarder = Rewarder(first_token, Head.prior(1, config), config, END)

    rewards = rewarder([(5,), (6,)], [[(1, 2)], [(3, 2)]])

    # Nothing known: mean 0. Variance 2² + 1² with the feature on, 1² without it.
    assert rewards == [[pytest.approx(-0.5 * 5**0.5)], [pytest.approx(-0.5)]]


def test_an_answer_of_nothing_costs():
    assert rule_costs((9,), END) == BLANK_COST


def test_a_short_answer_costs_nothing():
    assert rule_costs((1, 9), END) == 0


def test_repeats_cost_their_share():
    # Runs of four: 1212, 2121, 1212, 2121, 1212: two of five are new.
    assert rule_costs((1, 2, 1, 2, 1, 2, 1, 2), END) == pytest.approx(REPEAT_COST * 3 / 5)


def test_an_answer_without_repeats_costs_nothing():
    assert rule_costs((1, 2, 3, 4, 5, 6, 9), END) == 0
