"""How well the head predicts judgements, each before it was taken in (prequential).

Light: the website asks too, before it starts an update.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

# Newest judgements that a figure is taken over.
WINDOW = 200
BINS = 10
# Fewer predictions than this say nothing about the head.
LEAST = 20
# What the caps let count less than this says nothing about how well the head predicts.
TELLING = 0.5
# What the head has to reach before a policy may learn from it.
GOOD_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the head thought of what a person then said. `is_up` is None for a comparison."""

    probability: float
    is_up: bool | None = None

    @property
    def liked(self) -> float:
        """How probable the head thought it that the answer is liked."""
        return 1 - self.probability if self.is_up is False else self.probability


@dataclass(frozen=True, slots=True)
class Area:
    """Area under the ROC curve, with its standard error."""

    value: float
    error: float


def auc(predictions: Sequence[Prediction]) -> Area | None:
    """How often the head puts what was liked above what was not; a tie counts half.

    Thumbs up are held against thumbs down; a comparison is one such pair by itself. Both figures
    are weighed by how many judgements they rest on, where thumbs of which few are of one kind
    count as few: where people want what answers hardly ever are, the few thumbs up are slips, and
    comparisons know better. None: nothing to hold against each other.
    """
    up = np.array([each.liked for each in predictions if each.is_up is True])
    down = np.array([each.liked for each in predictions if each.is_up is False])
    pairs = np.array([each.probability for each in predictions if each.is_up is None])
    parts: list[tuple[float, float, float]] = []
    if len(up) and len(down):
        area = float(_above(up[:, None] - down[None, :]).mean())
        # The number of balanced thumbs that would show as much: twice the harmonic mean.
        worth = 4 * len(up) * len(down) / (len(up) + len(down))
        parts.append((worth, area, _hanley_mcneil(area, len(up), len(down))))
    if len(pairs):
        area = float(_above(pairs - 0.5).mean())
        parts.append((len(pairs), area, area * (1 - area) / len(pairs)))
    if not parts:
        return None
    total = sum(count for count, _, _ in parts)
    value = sum(count * area for count, area, _ in parts) / total
    variance = sum((count / total) ** 2 * variance for count, _, variance in parts)
    return Area(value, math.sqrt(variance))


def log_loss(predictions: Sequence[Prediction]) -> float | None:
    """Nats per judgement: a coin gives 0.69."""
    if not predictions:
        return None
    return -math.fsum(math.log(each.probability) for each in predictions) / len(predictions)


def calibration_error(predictions: Sequence[Prediction]) -> float | None:
    """By how much stated probabilities miss how often they came true, over bins of equal size.

    Thumbs are asked how probably the answer is liked, comparisons how probably the side that the
    head preferred wins. From each bin's squared miss the part is taken off that chance alone would
    give to so few judgements; without that, a perfect head would seem to miss by 0.07 at 200.

    Paper: Kumar, Liang and Ma 2019, "Verified Uncertainty Calibration" (the debiasing).
    """
    if len(predictions) < LEAST:
        return None
    stated, came_true = _claims(predictions)
    order = np.argsort(stated, kind="stable")
    bins = np.array_split(order, min(BINS, len(order) // 2))
    missed = 0.0
    for members in bins:
        rate = float(came_true[members].mean())
        gap = float(stated[members].mean()) - rate
        chance = rate * (1 - rate) / max(len(members) - 1, 1)
        missed += len(members) * math.sqrt(max(gap * gap - chance, 0.0))
    return missed / len(order)


def judge_readiness(predictions: Sequence[Prediction], *, by_hand: bool) -> str:
    """Why no policy may learn from a head that predicts like this; empty where one may.

    Whoever starts an update by hand may do so with a head that has not shown much yet, but not
    with one that has shown itself to be bad.
    """
    area = auc(predictions)
    if area is None or len(predictions) < LEAST:
        if by_hand:
            return ""
        return (
            f"The reward model has predicted {len(predictions)} judgements that can be held "
            f"against each other; {LEAST} are needed to know whether it can be trusted."
        )
    reached = area.value + (area.error if by_hand else 0.0)
    if reached >= GOOD_ENOUGH:
        return ""
    return (
        f"The reward model does not predict people's judgements well enough: AUC {area.value:.2f} "
        f"over the last {len(predictions)}, and {GOOD_ENOUGH} is needed."
    )


def _above(difference: ndarray) -> ndarray:
    above: ndarray = (difference > 0) + 0.5 * (difference == 0)
    return above


def _hanley_mcneil(area: float, up: int, down: int) -> float:
    """Variance of an area under the curve (Hanley and McNeil 1982)."""
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    spread = (up - 1) * (q1 - area * area) + (down - 1) * (q2 - area * area)
    return (area * (1 - area) + spread) / (up * down)


def _claims(predictions: Sequence[Prediction]) -> tuple[ndarray, ndarray]:
    """Probabilities that were stated, and whether what they were of came true."""
    stated, came_true = [], []
    for each in predictions:
        if each.is_up is None:
            stated.append(max(each.probability, 1 - each.probability))
            came_true.append(1.0 if each.probability > 0.5 else 0.0)
        else:
            stated.append(each.liked)
            came_true.append(float(each.is_up))
    return np.array(stated), np.array(came_true)
