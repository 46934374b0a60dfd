import pytest

from tests.simulation.statistics import difference, interval


def test_equal_measurements_differ_by_nothing():
    found = difference([[1, 0, 1], [0, 0, 1]], [[1, 0, 1], [0, 0, 1]])

    assert (found.mean, found.low, found.high) == (0, 0, 0)


def test_a_difference_is_paired_by_prompt():
    # Every prompt rises by one half, however different the prompts are.
    found = difference([[0.5, 1.5]] * 3, [[0.0, 1.0]] * 3)

    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)


def test_the_interval_is_about_as_wide_as_theory_says():
    # One seed of 100 prompts, half of them met: the deviation of the mean is 0.05.
    found = interval([[0.0, 1.0] * 50])

    assert found.mean == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)


def test_seeds_that_disagree_widen_it():
    agreeing = interval([[0.5] * 50] * 5)
    disagreeing = interval([[0.0] * 50, [1.0] * 50, [0.5] * 50, [0.25] * 50, [0.75] * 50])

    assert agreeing.high - agreeing.low == 0
    assert disagreeing.high - disagreeing.low > 0.4


def test_the_same_seed_gives_the_same_interval():
    assert interval([[0, 1, 1, 0]]) == interval([[0, 1, 1, 0]])


def test_other_prompts_cannot_be_paired():
    with pytest.raises(ValueError, match="the same prompts"):
        difference([[1, 0]], [[1]])
