"""Learning to choose from what the choice was good for, on top of the supervised probe.

Turns are drawn without replacement, each with a probability in proportion to its worth per token,
until the window is full: a Plackett-Luce model, whose probability of what was drawn is exact
(Plackett 1975). The reward of a choice is the share of the evidence that it keeps, its advantage
that over the mean of the other choices of the same dialogue (RLOO, Kool et al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from learning.memory.probe import PRIOR_SHIFT, Probe

# As sharp as the greedy choice that is made in earnest, and still different each time.
SHARPNESS = 2.0
SAMPLES = 16
BUDGETS = (0.05, 0.4)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A dialogue to choose from: its sentences' features and the turn each belongs to; each turn's
    cost in tokens, and what share of all evidence it holds."""

    features: Float[Tensor, "sentence feature"]
    turn: Int[Tensor, " sentence"]
    cost: Float[Tensor, " turn"]
    evidence: Float[Tensor, " turn"]


def likelihood(
    log_odds: Float[Tensor, " sentence"], turn: Int[Tensor, " sentence"], turns: int
) -> Float[Tensor, " turn"]:
    """That something of each turn is asked for, its sentences being independent."""
    nothing = torch.zeros(turns).index_add(0, turn, functional.logsigmoid(-log_odds))
    return -torch.expm1(nothing.clamp(max=-1e-6))


def draw(
    worth: Float[Tensor, " turn"],
    cost: Float[Tensor, " turn"],
    budget: float,
    samples: int,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "sample turn"], Bool[Tensor, "sample turn"]]:
    """Turns in the orders in which they are drawn, and which of each order fit the budget.

    `worth` are logarithms. Drawing ends with the first turn that does not fit. By Gumbel's trick:
    what is largest after adding noise is drawn first.
    """
    noise = torch.empty(samples, len(worth)).exponential_(generator=generator).log()
    order = (worth - noise).argsort(1, descending=True)
    return order, cost[order].cumsum(1) <= budget


def log_probability(
    worth: Float[Tensor, " turn"],
    order: Int[Tensor, "sample turn"],
    taken: Bool[Tensor, "sample turn"],
) -> Float[Tensor, " sample"]:
    """Of drawing what was taken, in its order: each turn against all that were left."""
    drawn = worth[order]
    left = drawn.flip(1).logcumsumexp(1).flip(1)
    return ((drawn - left) * taken).sum(1)


def improve(
    probe: Probe,
    courses: Sequence[Course],
    *,
    steps: int,
    learning_rate: float,
    tether: float,
    seed: int = 0,
    progress: Callable[[int, float], None] = lambda step, reward: None,
) -> Probe:
    """A probe moved towards choices that keep more evidence, under budgets of 5 to 40 % of a
    dialogue; `tether` times the squared way from where it was is the price.

    Features are standardised here, so that `learning_rate` and `tether` mean the same for any.
    `progress` hears of each step and its mean reward.
    """
    stacked = torch.cat([course.features for course in courses])
    centre, scale = stacked.mean(0), stacked.std(0) + 1e-6
    start = torch.from_numpy(probe.weights) * scale
    bias = probe.bias + PRIOR_SHIFT + float(centre @ (start / scale))
    weights = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([weights], lr=learning_rate)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        course = courses[int(torch.randint(len(courses), (1,), generator=generator))]
        least, most = BUDGETS
        share = least + (most - least) * float(torch.rand(1, generator=generator))
        log_odds = ((course.features - centre) / scale) @ weights + bias
        likely = likelihood(log_odds, course.turn, len(course.cost))
        worth = SHARPNESS * (likely.log() - course.cost.log())
        order, taken = draw(
            worth.detach(), course.cost, share * float(course.cost.sum()), SAMPLES, generator
        )
        rewards = (course.evidence[order] * taken).sum(1)
        others = (rewards.sum() - rewards) / (SAMPLES - 1)
        advantage = (rewards - others) / (rewards.std() + 1e-6)
        chosen = log_probability(worth, order, taken)
        gain = (advantage * chosen).mean() / taken.sum(1).double().mean()
        loss = tether * (weights - start).square().sum() - gain
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        progress(step, float(rewards.mean()))
    moved = (weights.detach() / scale).numpy()
    return Probe(moved, bias - PRIOR_SHIFT - float(centre @ torch.from_numpy(moved)))
