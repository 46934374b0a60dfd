"""Losses over response tokens. All are sums, and take flat tensors with one entry per token.

Departures: the ratio of `ppo` is taken against the trainer's own earlier log-probabilities, and
the engine's enter through a truncated weight beside it, since engine and trainer differ by some
0.05 per token on the same weights and a clip at 0.2 would throw such tokens away for no fault of
the policy (truncated importance sampling, as in verl and TRL).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from learning.policy.trainer import Loss, LossKind


def cross_entropy(
    logprobs: Float[Tensor, " token"], weights: Float[Tensor, " token"]
) -> Float[Tensor, ""]:
    """Negative weighted log-likelihood."""
    return -(weights * logprobs).sum()


def importance_sampling(
    logprobs: Float[Tensor, " token"],
    sampled: Float[Tensor, " token"],
    advantages: Float[Tensor, " token"],
) -> Float[Tensor, ""]:
    """REINFORCE corrected for the distribution really sampled from: -exp(lp - q)·A."""
    return -(torch.exp(logprobs - sampled) * advantages).sum()


def ppo(
    logprobs: Float[Tensor, " token"],
    old: Float[Tensor, " token"],
    sampled: Float[Tensor, " token"],
    advantages: Float[Tensor, " token"],
    loss: Loss,
) -> Float[Tensor, ""]:
    """-w·min(r·A, clip(r)·A) with r = exp(lp - old) and w = min(exp(old - q), cap).

    The upper bound lies further out than the lower one, so that rare good tokens can grow.

    Papers: Schulman et al. 2017, arXiv 1707.06347; asymmetric clip: DAPO, arXiv 2503.14476.
    """
    ratio = torch.exp(logprobs - old)
    clipped = ratio.clamp(1 - loss.clip_low, 1 + loss.clip_high)
    weight = torch.exp(old - sampled).clamp(max=loss.ratio_cap)
    return -(weight * torch.minimum(ratio * advantages, clipped * advantages)).sum()


def kl_penalty(
    logprobs: Float[Tensor, " token"], reference: Float[Tensor, " token"]
) -> Float[Tensor, ""]:
    """Half the squared difference: on the policy's own samples its gradient is that of the KL.

    Source: Schulman, "Approximating KL Divergence" (the estimator k2).
    """
    return 0.5 * (logprobs - reference).square().sum()


def total(
    loss: Loss,
    logprobs: Float[Tensor, " token"],
    weights: Float[Tensor, " token"],
    sampled: Float[Tensor, " token"] | None,
    old: Float[Tensor, " token"] | None,
    reference: Float[Tensor, " token"] | None,
) -> Float[Tensor, ""]:
    """The loss that `loss` describes, its KL term included.

    Raises:
        ValueError: the data lack log-probabilities that this loss needs.
    """
    if loss.kind == LossKind.CROSS_ENTROPY:
        value = cross_entropy(logprobs, weights)
    elif sampled is None:
        raise ValueError(f"{loss.kind} needs the log-probabilities of the sampling engine")
    elif loss.kind == LossKind.IMPORTANCE_SAMPLING:
        value = importance_sampling(logprobs, sampled, weights)
    else:
        value = ppo(logprobs, logprobs.detach() if old is None else old, sampled, weights, loss)
    if loss.kl_weight == 0:
        return value
    if reference is None:
        raise ValueError("a KL term needs the reference's log-probabilities")
    return value + loss.kl_weight * kl_penalty(logprobs, reference)
