"""The worst-off tenth of people is not worse off.

Compared are the means of the lowest tenth under either policy, whoever is in it. Comparing the
tenth of those who lost most would not do: they are worse off under any policy at all, since chance
picks them. How much chance does is read off how differently people's rewards changed, by the median
deviation, which the few who were hurt cannot widen. (Swapping the policies at random for each
person would be exact, but cannot show that one of ten was hurt: half of all swaps hurt that one.)
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import GateConfig
from learning.evaluation.gates.measured import Change, Paired
from learning.evaluation.gates.report import GateReport

# A normal distribution's standard deviation over its median absolute deviation.
NORMAL = 1.4826


def worst_tenth(rewards: Paired, people: tuple[int | None, ...], config: GateConfig) -> GateReport:
    name = "worst tenth of people"
    known = sorted({person for person in people if person is not None})
    if len(known) < config.min_people:
        sentence = f"Prompts of {len(known)} people are too few to compare the worst tenth of them."
        return GateReport(name, True, sentence, {"people": float(len(known))})
    owners = np.array([-1 if person is None else person for person in people])
    policy, parent = (
        np.array([scores[owners == person].mean() for person in known])
        for scores in (rewards.policy, rewards.parent)
    )
    change = Change(_lowest(policy) - _lowest(parent), _error(policy - parent))
    passed = change.is_finite and not change.is_clearly_below(0.0)
    sentence = (
        f"Among {len(known)} people, the reward of the worst-off tenth changed by "
        f"{change.mean:+.2f} ± {change.error:.2f} (refused if that is more than chance)."
    )
    figures = {
        "people": float(len(known)),
        "change": change.mean,
        "standard_error": change.error,
    }
    return GateReport(name, passed, sentence, figures)


def _lowest(scores: Float[ndarray, " person"]) -> float:
    """The mean of the lowest tenth."""
    return float(np.sort(scores)[: math.ceil(len(scores) / 10)].mean())


def _error(changes: Float[ndarray, " person"]) -> float:
    """The standard error of a mean over a tenth of people."""
    deviation = NORMAL * float(np.median(np.abs(changes - np.median(changes))))
    return deviation / math.sqrt(math.ceil(len(changes) / 10))
