"""Takes off a score what length earns in it beyond what people have shown to want.

A head that learned from few judgements tends to like long answers, or short ones, by accident, and
a policy that is trained on it finds that out. But people may want short answers indeed: so only
the part of the slope that judgements do not support is taken off. How the score rises with length
is fitted over recent answers; how liking rises with length is fitted to the judgements, by a
logistic regression on the difference in length alone.

Lengths are natural logarithms of token counts: ten tokens more mean less to a long answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig

# Prior deviation of the supported slope: twice as long may make liking e^1.4 times as likely.
PRIOR_SD = 2.0
# Fewer answers do not show a slope.
LEAST = 8
NEWTON_STEPS = 25


@dataclass(frozen=True, slots=True)
class Contrast:
    """A judgement as seen by length: by how much the answer was longer than the other one, or
    than answers usually are, whether that was liked, and the judgement's weight."""

    longer_by: float
    is_liked: bool
    weight: float
    is_thumb: bool


@dataclass(frozen=True, slots=True)
class Supported:
    """What judgements say of length: log-odds per unit of log length, and its deviation."""

    slope: float
    sd: float

    @property
    def interval(self) -> tuple[float, float]:
        """Slopes that judgements support: one deviation about the mode, and none at all."""
        return min(0.0, self.slope - self.sd), max(0.0, self.slope + self.sd)


@dataclass(frozen=True, slots=True)
class LengthShare:
    """What to take off a score: `excess` for each unit that the log length is above `centre`."""

    excess: float = 0.0
    centre: float = 0.0

    def of(self, tokens: int) -> float:
        return self.excess * (log_length(tokens) - self.centre) if self.excess else 0.0


def log_length(tokens: int) -> float:
    return math.log(max(tokens, 1))


def unsupported(
    scores: Float[ndarray, " answer"],
    lengths: Float[ndarray, " answer"],
    contrasts: Sequence[Contrast],
    config: RewardConfig,
) -> LengthShare:
    """The part of the scores' slope over log lengths that judgements do not support."""
    if len(scores) < LEAST or float(np.var(lengths)) < 1e-6:
        return LengthShare()
    centred = lengths - lengths.mean()
    slope = float((centred * scores).sum() / np.square(centred).sum())
    low, high = supported(contrasts, config).interval
    return LengthShare(slope - min(max(slope, low), high), float(lengths.mean()))


def supported(contrasts: Sequence[Contrast], config: RewardConfig) -> Supported:
    """The slope that judgements support. Thumbs also have a level of their own: some people
    like most of what they get."""
    if not contrasts:
        return Supported(0.0, PRIOR_SD)
    signs = np.array([1.0 if each.is_liked else -1.0 for each in contrasts])
    rows = np.array([(each.longer_by, float(each.is_thumb)) for each in contrasts])
    rows *= signs[:, None]
    weights = np.array([each.weight for each in contrasts])
    prior = np.diag([1 / PRIOR_SD**2, 1 / config.bias_sd**2])
    at = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        unsure = 1 / (1 + np.exp(np.clip(rows @ at, -50, 50)))
        slope = rows.T @ (weights * unsure) - prior @ at
        curvature = prior + (rows * (weights * unsure * (1 - unsure))[:, None]).T @ rows
        # Half steps where the plain one might overshoot: far off, a logistic is nearly flat.
        step = np.linalg.solve(curvature, slope)
        at = at + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-9))
    return Supported(float(at[0]), math.sqrt(float(np.linalg.inv(curvature)[0, 0])))


def correlation(
    scores: Float[ndarray, " answer"], lengths: Float[ndarray, " answer"]
) -> float | None:
    """Of score and log length; None where there are too few answers or nothing varies."""
    if len(scores) < LEAST or np.var(scores) < 1e-12 or np.var(lengths) < 1e-12:
        return None
    return float(np.corrcoef(scores, lengths)[0, 1])
