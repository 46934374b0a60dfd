"""The reward head: Bayesian logistic regression that learns one judgement at a time.

Online Laplace: the posterior stays a Gaussian over the weights; a judgement moves its mean to the
mode along one direction, found by bisection in one dimension, and takes certainty from the
covariance by a rank-one step.

Beside the mean of everybody there are folds, bootstrap means that each hear half the people, twice
as loud. A fold has no covariance of its own but takes the same rank-one step with the common one:
with half of the people counted twice it hears as much on average as everybody's mean does, eight
more covariances would be 0.5 MB to write for every judgement, and what is wanted of a fold is where
its mean is, not how sure it is. The estimate is the median of the nine means, so that a few people
who pull their folds away hardly move it; its variance is the posterior's, or the folds'
disagreement where that is larger: both say how far the mean may be off.

A judgement costs some 0.2 ms, in float64 and in a fixed order: the same judgements in the same
order give the same bits. Sums go through einsum, since BLAS adds up in another order when it has
another number of threads.

Departures from the plain model: a judgement is a slip with probability `flip_rate`, whatever the
answer, which bounds what one judgement can do; kinds of judgement weigh differently, as exponents
on their likelihood; the curvature is Fisher's rather than the observed one, which a slip could
turn negative.

Papers: Spiegelhalter and Lauritzen 1990 (sequential updating); Bradley and Terry 1952 (pairs);
McCarthy 1969 (half samples, counted twice).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig

MAGIC = b"DANASRH2"
HEADER = struct.Struct("<8sIII")
BISECTIONS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Thumb:
    features: Float[ndarray, " feature"]
    is_up: bool


@dataclass(frozen=True, slots=True, eq=False)
class Remark:
    """Words that praise or blame; `confidence`, from 0 to 1, that they are meant so."""

    features: Float[ndarray, " feature"]
    is_up: bool
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    better: Float[ndarray, " feature"]
    worse: Float[ndarray, " feature"]


@dataclass(frozen=True, slots=True)
class Silence:
    """A judgement that is kept and says nothing to the head: words without praise or blame."""


Event = Thumb | Remark | Pair | Silence


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """An event as the head reads it: `direction` already points to what the person likes."""

    direction: Float[ndarray, " weight"]
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The posterior over the weights (the last one is the bias) after `taken_in` events."""

    mean: Float[ndarray, " weight"]
    covariance: Float[ndarray, "weight weight"]
    folds: Float[ndarray, "fold weight"]
    taken_in: int

    @classmethod
    def prior(cls, dimensions: int, config: RewardConfig) -> Head:
        """Nothing known yet. Features have a mean square norm of about one."""
        size = dimensions + 1
        covariance = np.diag(1 / prior_precision(size, config))
        return cls(np.zeros(size), covariance, np.zeros((config.folds, size)), 0)

    def estimate(self, features: Float[ndarray, " feature"]) -> tuple[float, float]:
        """Mean and standard deviation of the log-odds that a person likes this answer."""
        mean, variance = self._believed(with_bias(features))
        return mean, math.sqrt(variance)

    def probability(self, event: Event, config: RewardConfig) -> float | None:
        """How probable the head thinks an event, its own uncertainty and slips included."""
        said = read(event, config)
        if said is None:
            return None
        mean, variance = self._believed(said.direction)
        # MacKay's approximation of a logistic averaged over a Gaussian.
        averaged = _logistic(mean / math.sqrt(1 + math.pi * variance / 8))
        return config.flip_rate + (1 - 2 * config.flip_rate) * averaged

    def after(
        self,
        event: Event,
        config: RewardConfig,
        *,
        share: float = 1.0,
        in_folds: Sequence[float] | None = None,
    ) -> Head:
        """The head that has taken one more event in.

        Args:
            share: of the weight of the event's kind.
            in_folds: how often each fold hears it; by default all do, once.
        """
        said = read(event, config)
        if said is None or share <= 0:
            return replace(self, taken_in=self.taken_in + 1)
        spread = _times(self.covariance, said.direction)
        variance = float(np.einsum("i,i->", said.direction, spread))
        if variance <= 0:
            return replace(self, taken_in=self.taken_in + 1)
        weight = share * said.weight

        def shift(before: float, times: float) -> float:
            mode = _mode(before, variance, times * weight, config.flip_rate)
            return (mode - before) / variance

        before = float(np.einsum("i,i->", self.mean, said.direction))
        moved = shift(before, 1.0)
        mode = before + moved * variance
        curvature = weight * curvature_at(mode, config.flip_rate)
        certainty = curvature / (1 + curvature * variance)
        heard = in_folds or (1.0,) * len(self.folds)
        folds_before = _times(self.folds, said.direction)
        folds_moved = [
            shift(float(place), times) if times else 0.0
            for place, times in zip(folds_before, heard, strict=True)
        ]
        return Head(
            self.mean + spread * moved,
            self.covariance - np.outer(spread, spread) * certainty,
            self.folds + np.outer(folds_moved, spread),
            self.taken_in + 1,
        )

    def faded(self, config: RewardConfig) -> Head:
        """The head in which all judgements so far weigh `drift_memory` of what they did.

        What the judgements added to the prior's precision, and to precision times mean, is
        scaled: the same as a fit to them with such weights, near the mode.
        """
        prior = np.diag(prior_precision(len(self.mean), config))
        precision, _ = inverse(self.covariance)
        memory = config.drift_memory
        covariance, _ = inverse(prior + memory * (precision - prior))
        keep = memory * np.einsum("ij,jk->ik", covariance, precision)
        return Head(
            _times(keep, self.mean),
            covariance,
            np.einsum("ij,fj->fi", keep, self.folds),
            self.taken_in,
        )

    def to_bytes(self) -> bytes:
        """Mean, folds and the covariance's upper triangle, which is all of it, in float64."""
        upper = self.covariance[np.triu_indices(len(self.mean))]
        numbers = np.concatenate([self.mean, self.folds.ravel(), upper]).astype("<f8")
        header = HEADER.pack(MAGIC, len(self.mean), len(self.folds), self.taken_in)
        return header + bytes(numbers.tobytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> Head:
        """What follows the head in these bytes is left alone; see `size_in_bytes`."""
        magic, size, folds, taken_in = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise ValueError("these bytes are no reward head")
        count = size + folds * size + size * (size + 1) // 2
        numbers = np.frombuffer(content, "<f8", count, HEADER.size).astype(np.float64)
        mean, rest, upper = np.split(numbers, [size, size + folds * size])
        return cls(mean, _mirrored(upper, size), rest.reshape(folds, size), taken_in)

    @property
    def size_in_bytes(self) -> int:
        size = len(self.mean)
        return HEADER.size + 8 * (size + self.folds.size + size * (size + 1) // 2)

    def _believed(self, direction: Float[ndarray, " weight"]) -> tuple[float, float]:
        """The median of all means along a direction, and the larger of both variances."""
        mean = float(np.einsum("i,i->", self.mean, direction))
        folds = _times(self.folds, direction).tolist()
        disagreement = math.fsum((fold - mean) ** 2 for fold in folds) / len(folds)
        spread = _times(self.covariance, direction)
        variance = max(float(np.einsum("i,i->", direction, spread)), 0.0)
        return _median([mean, *folds]), max(variance, disagreement)


def read(event: Event, config: RewardConfig) -> Said | None:
    """What an event says, and how loud; None where it says nothing. The bias cancels in a pair."""
    match event:
        case Thumb():
            weight = config.up_weight if event.is_up else config.down_weight
            return _said(event.features, event.is_up, weight)
        case Remark():
            return _said(event.features, event.is_up, config.remark_weight * event.confidence)
        case Pair():
            difference = event.better.astype(np.float64) - event.worse.astype(np.float64)
            return Said(np.append(difference, 0.0), config.pair_weight)
        case Silence():
            return None


def with_bias(features: Float[ndarray, " feature"]) -> Float[ndarray, " weight"]:
    return np.append(features.astype(np.float64), 1.0)


def prior_precision(size: int, config: RewardConfig) -> Float[ndarray, " weight"]:
    deviations = np.append(np.full(size - 1, config.prior_sd), config.bias_sd)
    precision: ndarray = 1 / np.square(deviations)
    return precision


def inverse(
    matrix: Float[ndarray, "weight weight"],
) -> tuple[Float[ndarray, "weight weight"], float]:
    """Inverse and logarithm of the determinant of a symmetric positive definite matrix.

    By sweeping one row after the other: slower than LAPACK, and the same bits however many
    threads there are.
    """
    swept, log_determinant = matrix.copy(), 0.0
    for k in range(len(swept)):
        pivot = float(swept[k, k])
        log_determinant += math.log(pivot)
        row, column = swept[k] / pivot, swept[:, k].copy()
        swept -= np.outer(column, row)
        swept[k], swept[:, k] = row, -column / pivot
        swept[k, k] = 1 / pivot
    return _mirrored(swept[np.triu_indices(len(swept))], len(swept)), log_determinant


def curvature_at(log_odds: float, flip_rate: float) -> float:
    """Fisher information of one judgement about its log-odds."""
    sure = _logistic(log_odds)
    seen = flip_rate + (1 - 2 * flip_rate) * sure
    slope = (1 - 2 * flip_rate) * sure * (1 - sure)
    return slope * slope / max(seen * (1 - seen), 1e-300)


def _said(features: Float[ndarray, " feature"], is_up: bool, weight: float) -> Said:
    direction = with_bias(features)
    return Said(direction if is_up else -direction, weight)


def _mode(mean: float, variance: float, weight: float, flip_rate: float) -> float:
    """Where prior and likelihood balance: s = mean + variance · d/ds weight·log p(s).

    The slope is positive and at most `weight`, which brackets the mode.
    """
    near, far = mean, mean + variance * weight
    for _ in range(BISECTIONS):
        middle = 0.5 * (near + far)
        pull = mean + variance * weight * _slope(middle, flip_rate)
        near, far = (middle, far) if pull > middle else (near, middle)
    return 0.5 * (near + far)


def _slope(agreement: float, flip_rate: float) -> float:
    """d/ds log p at log-odds s in favour of what the person said."""
    sure = _logistic(agreement)
    seen = flip_rate + (1 - 2 * flip_rate) * sure
    return (1 - 2 * flip_rate) * sure * (1 - sure) / seen


def _logistic(log_odds: float) -> float:
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))


def _times(matrix: Float[ndarray, "row weight"], vector: Float[ndarray, " weight"]) -> ndarray:
    product: ndarray = np.einsum("ij,j->i", matrix, vector)
    return product


def _median(values: Sequence[float]) -> float:
    ranked = sorted(values)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else 0.5 * (ranked[middle - 1] + ranked[middle])


def _mirrored(upper: Float[ndarray, " entry"], size: int) -> Float[ndarray, "weight weight"]:
    whole = np.zeros((size, size))
    rows, columns = np.triu_indices(size)
    whole[rows, columns] = upper
    whole[columns, rows] = upper
    return whole
