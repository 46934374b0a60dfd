"""The reward head: Bayesian logistic regression that learns one judgement at a time.

Online Laplace: the posterior stays a Gaussian over the weights; a judgement moves its mean to the
mode along one direction, found by bisection in one dimension, and takes certainty from the
covariance by a rank-one step. That costs some 20 µs, in float64, in a fixed order: the same
judgements in the same order give the same bits.

Departures from the plain model: a judgement is a slip with probability `flip_rate`, whatever the
answer, which bounds what one judgement can do; kinds of judgement weigh differently, as exponents
on their likelihood; the curvature is Fisher's rather than the observed one, which a slip could
turn negative.

Papers: Spiegelhalter and Lauritzen 1990 (sequential updating); Bradley and Terry 1952 (pairs).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig

MAGIC = b"DANASRH1"
HEADER = struct.Struct("<8sII")
BISECTIONS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Thumb:
    features: Float[ndarray, " feature"]
    is_up: bool


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    better: Float[ndarray, " feature"]
    worse: Float[ndarray, " feature"]


@dataclass(frozen=True, slots=True)
class Silence:
    """A judgement that is kept, and says nothing to the head yet: a comment."""


Event = Thumb | Pair | Silence


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The posterior over the weights (the last one is the bias) after `taken_in` events."""

    mean: Float[ndarray, " weight"]
    covariance: Float[ndarray, "weight weight"]
    taken_in: int

    @classmethod
    def prior(cls, dimensions: int, config: RewardConfig) -> Head:
        """Nothing known yet. Features have a mean square norm of about one."""
        deviations = np.append(np.full(dimensions, config.prior_sd), config.bias_sd)
        return cls(np.zeros(dimensions + 1), np.diag(np.square(deviations)), 0)

    def estimate(self, features: Float[ndarray, " feature"]) -> tuple[float, float]:
        """Mean and standard deviation of the log-odds that a person likes this answer."""
        mean, variance, _ = self._along(np.append(features.astype(np.float64), 1.0))
        return mean, math.sqrt(variance)

    def probability(self, event: Event, config: RewardConfig) -> float | None:
        """How probable the head thinks an event, its own uncertainty and slips included."""
        read = _read(event, config)
        if read is None:
            return None
        direction, sign, _ = read
        mean, variance, _ = self._along(direction)
        # MacKay's approximation of a logistic averaged over a Gaussian.
        averaged = _logistic(sign * mean / math.sqrt(1 + math.pi * variance / 8))
        return config.flip_rate + (1 - 2 * config.flip_rate) * averaged

    def after(self, event: Event, config: RewardConfig) -> Head:
        """The head that has taken one more event in."""
        read = _read(event, config)
        if read is None:
            return Head(self.mean, self.covariance, self.taken_in + 1)
        direction, sign, weight = read
        mean, variance, spread = self._along(direction)
        if variance <= 0:
            return Head(self.mean, self.covariance, self.taken_in + 1)
        mode = _mode(mean, variance, sign, weight, config.flip_rate)
        curvature = weight * _curvature(mode, config.flip_rate)
        certainty = curvature / (1 + curvature * variance)
        return Head(
            self.mean + spread * ((mode - mean) / variance),
            self.covariance - np.outer(spread, spread) * certainty,
            self.taken_in + 1,
        )

    def to_bytes(self) -> bytes:
        """Mean and the covariance's upper triangle, which is all of it, little-endian float64."""
        upper = self.covariance[np.triu_indices(len(self.mean))]
        numbers = np.concatenate([self.mean, upper]).astype("<f8")
        header = HEADER.pack(MAGIC, len(self.mean), self.taken_in)
        return header + bytes(numbers.tobytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> Head:
        magic, size, taken_in = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise ValueError("these bytes are no reward head")
        numbers = np.frombuffer(content, "<f8", offset=HEADER.size).astype(np.float64)
        covariance = np.zeros((size, size))
        rows, columns = np.triu_indices(size)
        covariance[rows, columns] = numbers[size:]
        covariance[columns, rows] = numbers[size:]
        return cls(numbers[:size], covariance, taken_in)

    def _along(
        self, direction: Float[ndarray, " weight"]
    ) -> tuple[float, float, Float[ndarray, " weight"]]:
        """Mean and variance of the log-odds along a direction, and the covariance with it."""
        spread = self.covariance @ direction
        return float(self.mean @ direction), max(float(direction @ spread), 0.0), spread


def _read(
    event: Event, config: RewardConfig
) -> tuple[Float[ndarray, " weight"], float, float] | None:
    """An event as direction, sign and weight. The bias cancels in a pair."""
    if isinstance(event, Thumb):
        direction = np.append(event.features.astype(np.float64), 1.0)
        return (
            (direction, 1.0, config.up_weight)
            if event.is_up
            else (direction, -1.0, config.down_weight)
        )
    if isinstance(event, Pair):
        difference = event.better.astype(np.float64) - event.worse.astype(np.float64)
        return np.append(difference, 0.0), 1.0, config.pair_weight
    return None


def _mode(mean: float, variance: float, sign: float, weight: float, flip_rate: float) -> float:
    """Where prior and likelihood balance: s = mean + variance · d/ds weight·log p(s).

    The slope has the sign of the label and is at most `weight`, which brackets the mode.
    """
    near, far = mean, mean + sign * variance * weight
    for _ in range(BISECTIONS):
        middle = 0.5 * (near + far)
        pull = mean + variance * weight * _slope(sign * middle, flip_rate) * sign
        near, far = (middle, far) if sign * (pull - middle) > 0 else (near, middle)
    return 0.5 * (near + far)


def _slope(agreement: float, flip_rate: float) -> float:
    """d/ds log p at log-odds s in favour of what the person said."""
    sure = _logistic(agreement)
    seen = flip_rate + (1 - 2 * flip_rate) * sure
    return (1 - 2 * flip_rate) * sure * (1 - sure) / seen


def _curvature(log_odds: float, flip_rate: float) -> float:
    """Fisher information of one judgement about its log-odds."""
    sure = _logistic(log_odds)
    seen = flip_rate + (1 - 2 * flip_rate) * sure
    slope = (1 - 2 * flip_rate) * sure * (1 - sure)
    return slope * slope / max(seen * (1 - seen), 1e-300)


def _logistic(log_odds: float) -> float:
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))
