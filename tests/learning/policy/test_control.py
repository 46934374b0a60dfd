import math

import pytest

from learning.config import UpdateConfig
from learning.policy.control import BankKl, kl_per_token

CONFIG = UpdateConfig(bank_kl_weight=0.1, target_bank_kl=0.02, max_bank_kl=0.05)


def test_kl_is_zero_without_change_and_positive_whichever_way_it_goes():
    assert kl_per_token([(-1.0, -1.0)]) == 0
    # With log-ratio r - p = 1: e - 1 - 1; with -1: 1/e - 1 + 1.
    assert kl_per_token([(-2.0, -1.0)]) == pytest.approx(math.e - 2)
    assert kl_per_token([(-1.0, -2.0)]) == pytest.approx(1 / math.e)


def test_one_token_that_the_reference_prefers_by_far_does_not_decide():
    # e² - 3 in place of e⁵ - 6.
    assert kl_per_token([(-6.0, -1.0)] + [(-1.0, -1.0)] * 99) == pytest.approx(
        (math.e**2 - 3) / 100
    )


def test_the_weight_rises_above_the_target_and_falls_below_it_but_not_under_the_configured_one():
    budget = BankKl(CONFIG)

    budget.follow(0.025)
    # A quarter above the target: 0.1 · 1.25.
    assert budget.weight == pytest.approx(0.125)
    budget.follow(0.2)
    # Far above, by a half at most.
    assert budget.weight == pytest.approx(0.1875)
    budget.follow(0.015)
    assert budget.weight == pytest.approx(0.1875 * 0.75)
    budget.follow(0.0)
    assert budget.weight == 0.1


def test_it_stops_before_a_step_as_long_as_the_last_would_leave_the_budget():
    budget = BankKl(CONFIG)
    budget.follow(0.01)

    # Distances 0.1 and 0.15 lead to 0.2, whose square is 0.04; 0.1 and 0.17 to 0.24 and 0.0576.
    assert budget.stops(0.15**2) == ""
    assert "some 0.058 (allowed: 0.05)" in budget.stops(0.17**2)


def test_a_policy_that_comes_back_may_go_on():
    budget = BankKl(CONFIG)
    budget.follow(0.045)

    assert budget.stops(0.04) == ""
