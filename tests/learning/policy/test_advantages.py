import pytest
import torch

from learning.errors import LonelySample
from learning.policy.advantages import RunningDeviation, leave_one_out_advantages


def test_each_reply_is_scored_against_its_siblings():
    rewards = torch.tensor([[1.0, 2.0, 6.0]])

    advantages = leave_one_out_advantages(rewards)

    # The siblings average 4, 3.5 and 1.5.
    torch.testing.assert_close(advantages, torch.tensor([[-3.0, -1.5, 4.5]]))


def test_a_group_of_equals_gives_zero():
    advantages = leave_one_out_advantages(torch.full((2, 4), 0.7))

    torch.testing.assert_close(advantages, torch.zeros(2, 4))


def test_a_group_of_one_is_refused():
    with pytest.raises(LonelySample):
        leave_one_out_advantages(torch.tensor([[1.0]]))


def test_advantages_are_divided_by_their_root_mean_square():
    divided = RunningDeviation().divide(torch.tensor([[3.0, -3.0], [1.0, -1.0]]))

    # The mean square is (9 + 9 + 1 + 1) / 4 = 5.
    torch.testing.assert_close(divided, torch.tensor([[3.0, -3.0], [1.0, -1.0]]) / 5**0.5)


def test_a_quiet_step_after_a_loud_one_stays_quiet():
    deviation = RunningDeviation(memory=0.5)
    deviation.divide(torch.tensor([[4.0, -4.0]]))

    divided = deviation.divide(torch.tensor([[1.0, -1.0]]))

    # (0.5 · 16 + 1) / (0.5 + 1) = 6.
    torch.testing.assert_close(divided, torch.tensor([[1.0, -1.0]]) / 6**0.5)


def test_all_zeros_stay_zeros():
    divided = RunningDeviation().divide(torch.zeros(2, 2))

    torch.testing.assert_close(divided, torch.zeros(2, 2))
