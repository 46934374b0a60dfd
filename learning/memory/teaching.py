"""What people wished had been kept moves the probe, as far as several of them agree.

The estimate with the highest posterior: what should have been kept is to be read as likelier than
what was kept in its place (pairwise logistic loss; Bradley and Terry 1952), with a Gaussian prior
around the probe that one starts from, isotropic in standardised weights. It is worked out from all
lessons each time, so a lesson that is taken back leaves nothing behind. The mean of the log-odds
over the yardstick stays: pairs say nothing of it, and what was read before stands beside what is
read now.

A lesson counts once, however many pairs it has; a person at most `MOST_OF_PERSON` times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.memory.held_out import Described
from learning.memory.probe import PRIOR_VARIANCE, Probe, scale_of

MOST_OF_PERSON = 8.0
# Of a pair in standardised features; longer ones are shortened. Most are about as long as this.
# Hence what one person says moves the log-odds between two sentences as far apart as these by
# 8 · 50² · 5e-5 = 1 at most, whatever others say: the prior makes the loss that convex.
LONGEST = 50.0
# A feature that hardly varies in the yardstick has no scale there, and is left as it is.
LEAST_SCALE = 1e-3
LARGEST_LOSS_OF_AREA = 0.01
STEPS = 2000
CLOSE_ENOUGH = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """One lesson: sentences that should have been kept, and some that were kept instead."""

    person: int
    wanted: Float[ndarray, "sentence feature"]
    others: Float[ndarray, "other feature"]


class Verdict(NamedTuple):
    """Whether a probe may be used, and why, in a sentence for a person."""

    passed: bool
    reason: str


def taught(probe: Probe, lessons: Sequence[Taught], yardstick: Described) -> Probe:
    """The probe after all these lessons."""
    scale = scale_of(yardstick.features)
    unit = np.where(scale < LEAST_SCALE, 0.0, 1 / scale)
    pairs, weights = _pairs(lessons)
    inputs = pairs * unit
    lengths = np.linalg.norm(inputs, axis=1, keepdims=True)
    inputs *= np.minimum(1.0, LONGEST / np.maximum(lengths, 1e-9))
    change = _shift(inputs, pairs @ probe.weights, weights) * unit
    drift = float(yardstick.features.mean(0) @ change)
    return Probe((probe.weights + change).astype(np.float32), probe.bias - drift)


def order(probe: Probe, lessons: Sequence[Taught]) -> float:
    """Which share of the pairs a probe has in the order that was wished for."""
    pairs, weights = _pairs(lessons)
    margins = pairs @ probe.weights
    return float(weights @ ((margins > 0) + 0.5 * (margins == 0)) / weights.sum())


def verdict(
    new: Probe, *, shipped: Probe, used: Probe, lessons: Sequence[Taught], yardstick: Described
) -> Verdict:
    """Whether `new`, learned from these lessons, may take the place of the one that is `used`."""
    area, best = yardstick.area(new), yardstick.area(shipped)
    after, before = order(new, lessons), order(used, lessons)
    held_out = (
        f"in dialogues of our own making it reads a sentence that is asked about as likelier than"
        f" another {area:.1%} of the time, the shipped one {best:.1%}"
    )
    wished = f"{after:.1%} of what was wished for is in order, with the one before {before:.1%}"
    if area < best - LARGEST_LOSS_OF_AREA:
        return Verdict(False, f"Refused: {held_out}; more than a point is lost.")
    if after <= before:
        return Verdict(False, f"Refused: no better than before: {wished}.")
    return Verdict(True, f"{wished}; {held_out}.".capitalize())


def _pairs(
    lessons: Sequence[Taught],
) -> tuple[Float[ndarray, "pair feature"], Float[ndarray, " pair"]]:
    """Every wanted sentence less every other one of its lesson, and how much each pair counts."""
    given = Counter(lesson.person for lesson in lessons)
    pairs, weights = [], []
    for lesson in lessons:
        apart = lesson.wanted[:, None].astype(np.float64) - lesson.others[None]
        pairs.append(apart.reshape(-1, apart.shape[-1]))
        share = min(1.0, MOST_OF_PERSON / given[lesson.person])
        weights += [share / len(pairs[-1])] * len(pairs[-1])
    return np.concatenate(pairs), np.array(weights)


def _shift(
    inputs: Float[ndarray, "pair feature"],
    margins: Float[ndarray, " pair"],
    weights: Float[ndarray, " pair"],
) -> Float[ndarray, " feature"]:
    """By how much the standardised weights move: Nesterov's method for a strongly convex loss,
    which the prior makes so well-conditioned that some dozens of steps are enough."""
    pull = 1 / PRIOR_VARIANCE
    steepest = pull + 0.25 * float(weights @ np.square(inputs).sum(1))
    inertia = (steepest**0.5 - pull**0.5) / (steepest**0.5 + pull**0.5)
    shift = ahead = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        doubts = weights / (1 + np.exp(np.clip(margins + inputs @ ahead, -500, 500)))
        before, shift = shift, ahead - (pull * ahead - doubts @ inputs) / steepest
        ahead = shift + inertia * (shift - before)
        if np.abs(shift - before).max() < CLOSE_ENOUGH:
            break
    return shift
