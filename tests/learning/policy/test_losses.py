import pytest
import torch

from learning.policy import losses
from learning.policy.trainer import Loss, LossKind

PPO = Loss(LossKind.PPO, clip_low=0.2, clip_high=0.28, ratio_cap=2.0)


def log(*ratios: float) -> torch.Tensor:
    return torch.tensor(ratios).log()


def ppo(ratio: float, advantage: float, engine_ratio: float = 1.0) -> tuple[float, float]:
    """Loss and gradient of one token whose old log-probability is 0."""
    logprobs = log(ratio).requires_grad_()
    loss = losses.ppo(logprobs, log(1.0), log(1 / engine_ratio), torch.tensor([advantage]), PPO)
    loss.backward()
    return float(loss.detach()), float(logprobs.grad)


def test_cross_entropy_is_a_weighted_sum():
    loss = losses.cross_entropy(torch.tensor([-1.0, -2.0]), torch.tensor([1.0, 0.5]))

    # 1 · 1 + 0.5 · 2
    assert float(loss) == 2.0


def test_importance_sampling_weighs_by_how_much_likelier_a_token_is_now():
    loss = losses.importance_sampling(log(0.4, 0.1), log(0.2, 0.2), torch.tensor([1.0, -2.0]))

    # Ratios 2 and 0.5: -(2 · 1 + 0.5 · -2)
    assert float(loss) == pytest.approx(-1.0)


def test_a_token_within_the_clip_gets_its_whole_gradient():
    assert ppo(ratio=1.1, advantage=2.0) == pytest.approx((-2.2, -2.2))


def test_a_good_token_that_grew_enough_is_left_alone():
    assert ppo(ratio=1.5, advantage=1.0) == pytest.approx((-1.28, 0.0))


def test_a_bad_token_that_shrank_enough_is_left_alone():
    assert ppo(ratio=0.5, advantage=-1.0) == pytest.approx((0.8, 0.0))


def test_a_bad_token_that_grew_is_pushed_back_however_far_it_went():
    assert ppo(ratio=3.0, advantage=-1.0) == pytest.approx((3.0, 3.0))


def test_the_engine_s_ratio_is_truncated():
    assert ppo(ratio=1.0, advantage=1.0, engine_ratio=8.0) == pytest.approx((-2.0, -2.0))
    assert ppo(ratio=1.0, advantage=1.0, engine_ratio=0.5) == pytest.approx((-0.5, -0.5))


def test_the_kl_term_pulls_towards_the_reference():
    logprobs = torch.tensor([-1.0, -3.0], requires_grad=True)

    loss = losses.kl_penalty(logprobs, torch.tensor([-2.0, -3.0]))
    loss.backward()

    assert float(loss.detach()) == 0.5
    assert logprobs.grad.tolist() == [1.0, 0.0]


def test_the_gradient_of_the_kl_term_is_that_of_the_kl_on_the_policy_s_own_samples():
    torch.manual_seed(0)
    logits, reference = torch.randn(2, 5).double()
    logits.requires_grad_()
    policy = logits.log_softmax(0)
    kl = (policy.exp() * (policy - reference.log_softmax(0))).sum()
    expected = torch.autograd.grad(kl, logits, retain_graph=True)[0]

    # The expectation over samples, term by term: p(a) · gradient of the penalty at a.
    found = sum(
        float(policy[a].detach().exp())
        * torch.autograd.grad(
            losses.kl_penalty(policy[a : a + 1], reference.log_softmax(0)[a : a + 1]),
            logits,
            retain_graph=True,
        )[0]
        for a in range(5)
    )

    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", [LossKind.PPO, LossKind.IMPORTANCE_SAMPLING])
def test_a_loss_over_samples_needs_the_engine_s_log_probabilities(kind):
    ones = torch.ones(1)

    with pytest.raises(ValueError, match="sampling engine"):
        losses.total(Loss(kind), ones, ones, None, None, None)


def test_the_first_pass_over_samples_has_a_ratio_of_one():
    logprobs = torch.tensor([-1.0, -2.0], requires_grad=True)

    losses.total(
        Loss(LossKind.PPO), logprobs, torch.tensor([3.0, -1.0]), logprobs.detach(), None, None
    ).backward()

    assert logprobs.grad.tolist() == [-3.0, 1.0]
