"""How many were named rightly, and how sure that is.

A test's pictures and its examples are drawn together by a seed, and what another draw would have
given is the question. So the interval is Student's over the seeds' accuracies, which holds both
kinds of chance; with a single seed, Wilson's over the pictures, which knows of one kind only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The 97.5 % points of Student's t, by degrees of freedom, from 1.
STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
NORMAL = 1.960


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and between what it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


def wilson(right: int, asked: int) -> Interval:
    share, z2 = right / asked, NORMAL**2
    middle = (share + z2 / (2 * asked)) / (1 + z2 / asked)
    reach = NORMAL * math.sqrt(share * (1 - share) / asked + z2 / (4 * asked**2))
    reach /= 1 + z2 / asked
    # At none and at all of them an end is exactly 0 or 1, but for rounding.
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach))


def over_seeds(values: Sequence[float], least: float = 0.0) -> Interval:
    """Of two seeds or more. Ends are kept between `least` and 1: a difference can be -1.

    Three seeds that agree by chance give an interval of no width: it is an estimate as well.
    """
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    point = STUDENT[count - 2] if count - 2 < len(STUDENT) else NORMAL
    reach = point * math.sqrt(variance / count)
    return Interval(mean, max(least, mean - reach), min(1.0, mean + reach))


def of(right: Sequence[int], asked: Sequence[int]) -> Interval:
    """From each seed's count of right answers."""
    if len(right) == 1:
        return wilson(right[0], asked[0])
    return over_seeds([r / a for r, a in zip(right, asked, strict=True)])
