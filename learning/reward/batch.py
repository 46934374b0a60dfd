"""The same posterior fitted to many judgements at once, which no order of arrival has bent.

Newton steps, halved where they overshoot, to the mode of the whole log; the covariance is the
inverse of the information there (Laplace). The evidence, by the same approximation, says which
prior scale the log fits best. Like the head it adds up in a fixed order, so that a refit can be
repeated bit for bit.

Paper: MacKay 1992, "The Evidence Framework Applied to Classification Networks".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig
from learning.reward.model import Head, inverse, prior_precision

ITERATIONS = 50
# A gain below which a step was the last.
ENOUGH = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A log as a matrix. `directions` point to what was liked; `offsets` are log-odds known
    already; `in_folds` says how often each fold hears each judgement."""

    directions: Float[ndarray, "judgement weight"]
    weights: Float[ndarray, " judgement"]
    offsets: Float[ndarray, " judgement"]
    in_folds: Float[ndarray, "judgement fold"]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """`evidence` is the logarithm of the probability of the log under the prior."""

    mean: Float[ndarray, " weight"]
    covariance: Float[ndarray, "weight weight"]
    evidence: float


def fit(
    heard: Heard, config: RewardConfig, *, start: Float[ndarray, " weight"] | None = None
) -> Fit:
    """The posterior's mode and curvature, under `config.prior_sd`."""
    size = heard.directions.shape[1]
    prior = prior_precision(size, config)
    mean = np.zeros(size) if start is None else start
    value = _objective(heard, heard.weights, mean, prior, config)
    for _ in range(ITERATIONS):
        bend, _ = inverse(_information(heard, mean, prior, config, observed=True))
        step = np.einsum("ij,j->i", bend, _gradient(heard, heard.weights, mean, prior, config))
        mean, new = _uphill(heard, heard.weights, mean, step, value, prior, config)
        gained, value = new - value, new
        if gained < ENOUGH:
            break
    covariance, log_determinant = inverse(_information(heard, mean, prior, config))
    evidence = value + 0.5 * (float(np.log(prior).sum()) - log_determinant)
    return Fit(mean, covariance, evidence)


def best_prior_sd(heard: Heard, config: RewardConfig) -> float:
    """The prior scale of `config.prior_sds` with the greatest evidence."""
    best, start = config.prior_sd, None
    greatest = -np.inf
    for prior_sd in config.prior_sds:
        found = fit(heard, config.model_copy(update={"prior_sd": prior_sd}), start=start)
        start = found.mean
        if found.evidence > greatest:
            best, greatest = prior_sd, found.evidence
    return best


def refit(heard: Heard, taken_in: int, config: RewardConfig) -> Head:
    """A head made of the whole log at once; `taken_in` counts what said nothing, too."""
    found = fit(heard, config)
    folds = [
        _fold(heard, heard.weights * heard.in_folds[:, fold], found, config)
        for fold in range(config.folds)
    ]
    return Head(found.mean, found.covariance, np.array(folds), taken_in)


def _fold(
    heard: Heard, weights: Float[ndarray, " judgement"], common: Fit, config: RewardConfig
) -> Float[ndarray, " weight"]:
    """A fold's mode. Steps are measured by the common covariance, as in the head's own update."""
    prior = prior_precision(len(common.mean), config)
    mean = common.mean
    value = _objective(heard, weights, mean, prior, config)
    for _ in range(ITERATIONS):
        step = np.einsum(
            "ij,j->i", common.covariance, _gradient(heard, weights, mean, prior, config)
        )
        mean, new = _uphill(heard, weights, mean, step, value, prior, config)
        if new - value < ENOUGH:
            break
        value = new
    return mean


def _uphill(
    heard: Heard,
    weights: Float[ndarray, " judgement"],
    mean: Float[ndarray, " weight"],
    step: Float[ndarray, " weight"],
    value: float,
    prior: Float[ndarray, " weight"],
    config: RewardConfig,
) -> tuple[Float[ndarray, " weight"], float]:
    """The step, or as many halves less of it as it takes to gain; else nothing."""
    for halvings in range(20):
        there = mean + step * 0.5**halvings
        new = _objective(heard, weights, there, prior, config)
        if new > value:
            return there, new
    return mean, value


def _objective(
    heard: Heard,
    weights: Float[ndarray, " judgement"],
    mean: Float[ndarray, " weight"],
    prior: Float[ndarray, " weight"],
    config: RewardConfig,
) -> float:
    seen = _seen(_sure(_log_odds(heard, mean)), config)
    return float((weights * np.log(seen)).sum() - 0.5 * (prior * np.square(mean)).sum())


def _gradient(
    heard: Heard,
    weights: Float[ndarray, " judgement"],
    mean: Float[ndarray, " weight"],
    prior: Float[ndarray, " weight"],
    config: RewardConfig,
) -> Float[ndarray, " weight"]:
    sure = _sure(_log_odds(heard, mean))
    pull = weights * (1 - 2 * config.flip_rate) * sure * (1 - sure) / _seen(sure, config)
    gradient: ndarray = np.einsum("nw,n->w", heard.directions, pull) - prior * mean
    return gradient


def _information(
    heard: Heard,
    mean: Float[ndarray, " weight"],
    prior: Float[ndarray, " weight"],
    config: RewardConfig,
    *,
    observed: bool = False,
) -> Float[ndarray, "weight weight"]:
    """The prior's precision and Fisher's information, as the head adds it up; or the observed one,
    which finds the mode in fewer steps, without what slips take off it."""
    sure = _sure(_log_odds(heard, mean))
    seen = _seen(sure, config)
    slope = (1 - 2 * config.flip_rate) * sure * (1 - sure)
    if observed:
        each = np.maximum(np.square(slope / seen) - slope * (1 - 2 * sure) / seen, 0.0)
    else:
        each = np.square(slope) / np.maximum(seen * (1 - seen), 1e-300)
    scaled = heard.directions * (heard.weights * each)[:, None]
    information: ndarray = np.diag(prior) + np.einsum("nv,nw->vw", scaled, heard.directions)
    return information


def _log_odds(heard: Heard, mean: Float[ndarray, " weight"]) -> Float[ndarray, " judgement"]:
    log_odds: ndarray = heard.offsets + np.einsum("nw,w->n", heard.directions, mean)
    return log_odds


def _sure(log_odds: Float[ndarray, " judgement"]) -> Float[ndarray, " judgement"]:
    sure: ndarray = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return sure


def _seen(sure: Float[ndarray, " judgement"], config: RewardConfig) -> Float[ndarray, " judgement"]:
    seen: ndarray = config.flip_rate + (1 - 2 * config.flip_rate) * sure
    return seen


def heard_from(
    directions: Sequence[Float[ndarray, " weight"]],
    weights: Sequence[float],
    in_folds: Sequence[Sequence[float]],
    size: int,
    folds: int,
) -> Heard:
    """Rows put together, without offsets; there may be none."""
    count = len(directions)
    return Heard(
        np.array(directions, dtype=np.float64).reshape(count, size),
        np.array(weights, dtype=np.float64),
        np.zeros(count),
        np.array(in_folds, dtype=np.float64).reshape(count, folds),
    )
