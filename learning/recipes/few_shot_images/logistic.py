"""Logistic regression over several classes, with a weight on small weights.

Few examples and many features: any number of separating planes fit, and how strongly weights are
held back decides. Where every class has two examples or more, that is chosen by leaving examples
out (of four strengths, folds across all classes); with one example a class it is the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

Features = NDArray[np.float64]

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
UNCHOSEN = 0.1
FOLDS = 4


class Regression:
    """Classes are numbers from 0. Features are centred and scaled together, not one by one: with
    an example a class, a feature's own spread says nothing."""

    def __init__(self, features: Features, classes: Sequence[int], strength: float) -> None:
        self._mean = features.mean(axis=0)
        spread = np.sqrt(((features - self._mean) ** 2).sum(axis=1).mean())
        self._scale = 1.0 / spread if spread else 1.0
        self.weights, self.biases = _fitted(self._seen(features), classes, strength)

    def scores(self, features: Features) -> Features:
        return np.asarray(self._seen(features) @ self.weights + self.biases)

    def classify(self, features: Features) -> list[int]:
        return [int(number) for number in self.scores(features).argmax(axis=1)]

    def _seen(self, features: Features) -> Features:
        seen: Features = (features - self._mean) * self._scale
        return seen


def fit(features: Features, classes: Sequence[int]) -> Regression:
    return Regression(features, classes, chosen_strength(features, classes))


def chosen_strength(features: Features, classes: Sequence[int]) -> float:
    """By how likely left-out examples are, which says more than how many of a few are right."""
    folds = _folds(classes)
    if len(folds) < 2:
        return UNCHOSEN
    return max(STRENGTHS, key=lambda strength: _left_out(features, classes, strength, folds))


def _folds(classes: Sequence[int]) -> list[list[int]]:
    """Indices, dealt out class by class, so that each fold has its part of every class."""
    by_class = [[i for i, c in enumerate(classes) if c == number] for number in set(classes)]
    count = min(FOLDS, *(len(each) for each in by_class))
    return [[i for each in by_class for i in each[fold::count]] for fold in range(count)]


def _left_out(
    features: Features, classes: Sequence[int], strength: float, folds: list[list[int]]
) -> float:
    total = 0.0
    for fold in folds:
        kept = [i for i in range(len(classes)) if i not in set(fold)]
        model = Regression(features[kept], [classes[i] for i in kept], strength)
        logprobs = torch.log_softmax(torch.from_numpy(model.scores(features[fold])), dim=1)
        total += float(sum(logprobs[row, classes[i]] for row, i in enumerate(fold)))
    return total


def _fitted(
    features: Features, classes: Sequence[int], strength: float
) -> tuple[Features, Features]:
    """The least mean loss plus strength / 2 · |weights|²; biases are free."""
    seen, targets = torch.from_numpy(features), torch.tensor(classes)
    count = int(targets.max()) + 1
    weights = torch.zeros(seen.shape[1], count, dtype=torch.float64, requires_grad=True)
    biases = torch.zeros(count, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, biases], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(seen @ weights + biases, targets)
        value = value + strength / 2 * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach().numpy(), biases.detach().numpy()
