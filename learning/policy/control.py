"""Holds an update within the gates' KL budget on the general bank.

The weight of the bank's KL term follows what is measured, and training stops before a step that
would leave the budget: an adapter that stopped early is examined like any other, one that went too
far is thrown away with all that was learned.

After Ziegler et al. 2019 (arXiv 1909.08593), with two departures: an update has some ten steps and
not thousands, so the weight moves by up to half a step and not by a hundredth; and it never falls
below the weight that was configured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from learning.config import UpdateConfig

# The largest change of the weight in one step, as a share of it.
REACH = 0.5
# What the reference thinks likelier by more nats counts as this much likelier.
FAR = 2.0


def kl_per_token(pairs: Iterable[tuple[float, float]]) -> float:
    """KL from the reference of samples, given (policy's, reference's) log-probabilities.

    Schulman's estimator k3, cut where it has a heavy tail: one token in some hundred that the
    reference thinks e⁴ times as likely would add 50 to their sum, and stop an update that is well
    within its budget (0.064 measured where four times the samples said 0.017).
    """
    found = [math.expm1(ratio) - ratio for ratio in (min(r - lp, FAR) for lp, r in pairs)]
    return sum(found) / len(found) if found else 0.0


class BankKl:
    """The weight of the next step's KL term on the bank, and whether there may be a next step."""

    def __init__(self, config: UpdateConfig) -> None:
        self._config = config
        self.weight = config.bank_kl_weight
        self.measured = 0.0

    def numbers(self) -> dict[str, float]:
        return {"bank_kl_weight": self.weight, "bank_kl": self.measured}

    def remember(self, numbers: dict[str, float]) -> None:
        self.weight, self.measured = numbers["bank_kl_weight"], numbers["bank_kl"]

    def stops(self, measured: float) -> str:
        """Why no further step may follow, as a sentence; empty if one may.

        KL grows with the square of the distance, so distances are extrapolated: a step as long as
        the last one leads to (2√now - √before)².
        """
        ahead = max(2 * math.sqrt(max(measured, 0)) - math.sqrt(max(self.measured, 0)), 0) ** 2
        budget = self._config.max_bank_kl
        if max(measured, ahead) <= budget:
            return ""
        return (
            f"Stopped early: on general prompts the policy had moved {measured:.3f} nats per token "
            f"from its parent, and one more step would have led to some {ahead:.3f} "
            f"(allowed: {budget:g})."
        )

    def follow(self, measured: float) -> None:
        error = measured / self._config.target_bank_kl - 1
        factor = 1 + max(-REACH, min(REACH, error))
        self.weight = max(self._config.bank_kl_weight, self.weight * factor)
        self.measured = measured
