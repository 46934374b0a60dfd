"""Intervals around measured shares, by resampling seeds and, within each, prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Interval:
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def difference(
    ours: Sequence[Sequence[float]],
    theirs: Sequence[Sequence[float]],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """How much higher ours are, paired by seed (outer) and prompt (inner).

    Raises:
        ValueError: the two were not measured on the same seeds and prompts.
    """
    if [len(row) for row in ours] != [len(row) for row in theirs]:
        raise ValueError("only what was measured on the same prompts can be compared")
    gaps = [np.subtract(one, other) for one, other in zip(ours, theirs, strict=True)]
    return interval(gaps, level=level, seed=seed)


def interval(rows: Sequence[Sequence[float]], *, level: float = 0.95, seed: int = 0) -> Interval:
    """The mean over all seeds, and where it lies when seeds and prompts are drawn anew."""
    table = [np.asarray(row, dtype=float) for row in rows]
    draw = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        chosen = draw.integers(len(table), size=len(table))
        drawn = [draw.choice(table[row], len(table[row])).mean() for row in chosen]
        means[number] = np.mean(drawn)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(np.mean([row.mean() for row in table])), float(low), float(high))
