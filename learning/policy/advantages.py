"""How much better a reply is than its siblings.

Departure from GRPO: the advantage is divided by a running deviation over all groups, not by the
group's own, which would blow up the differences within a group of near equals.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from learning.errors import LonelySample


def leave_one_out_advantages(
    rewards: Float[Tensor, "prompt sample"],
) -> Float[Tensor, "prompt sample"]:
    """Score each reply against the mean reward of its siblings, in reward-model points.

    Raises:
        LonelySample: a prompt has a single reply, which leaves nothing to compare with.

    Paper: Kool et al. 2019, "Buy 4 REINFORCE Samples, Get a Baseline for Free!"
    """
    samples = rewards.shape[1]
    if samples < 2:
        raise LonelySample("a single reply has no siblings to be compared with")
    siblings = (rewards.sum(dim=1, keepdim=True) - rewards) / (samples - 1)
    return rewards - siblings


class RunningDeviation:
    """Root mean square of all advantages seen in this update, later ones weighing more."""

    def __init__(self, memory: float = 0.9) -> None:
        self._memory = memory
        self._weight = 0.0
        self._square = 0.0

    def numbers(self) -> dict[str, float]:
        """What it remembers: with `remember`, another one goes on as this one would."""
        return {"weight": self._weight, "square": self._square}

    def remember(self, weight: float, square: float) -> None:
        self._weight, self._square = weight, square

    def divide(self, advantages: Float[Tensor, "prompt sample"]) -> Float[Tensor, "prompt sample"]:
        """Take these in, then divide by the deviation; all zeros stay zeros."""
        self._weight = self._memory * self._weight + 1.0
        self._square = self._memory * self._square + float(advantages.square().mean())
        deviation = (self._square / self._weight) ** 0.5
        return torch.zeros_like(advantages) if deviation == 0 else advantages / deviation
