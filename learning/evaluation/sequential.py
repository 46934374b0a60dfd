"""Tests that may be looked at after every answer, for as long as one likes, without cheating.

A trial is watched all the time and ended as soon as it is clear, so a test for a fixed number of
answers would be wrong here: looked at 2,000 times, a 5 % test sounds a false alarm in most trials.
These are bets instead. Whoever doubts the null hypothesis stakes a part of their wealth on each
score before it is known; under the null no way of betting is expected to win, so by Ville's
inequality the wealth of 1 *ever* becomes 1 / alpha with a probability of at most alpha.

The stakes are constant parts of the wealth, and the wealth is spread evenly over twelve of them, as
in a universal portfolio. Waudby-Smith and Ramdas (2020, arXiv 2010.09686) choose each stake from
the scores before it, which wins a little faster; even stakes need no tuning, win against large and
small effects alike, and the wealth does not depend on the order of the scores. See also Howard et
al. (2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences").

Scores are made of pairs, one answer by the new policy and one by the old. Where both arms are alike
the pair's order is a coin toss, whatever the rates are; that is what the null hypotheses say.

Pairs until a test reaches 80 (5 % spread over four tests), median and 90th percentile of 400
simulated trials, with the margins that `learning.canary` uses:

| harm of the new policy and the old | pairs |
|---|---|
| disliked 100 % and 0 % | 10, 10 |
| disliked 60 % and 20 % | 36, 70 |
| disliked 40 % and 20 % | 178, 386 |
| disliked 30 % and 20 % | 1,650; one trial in eight takes more than 3,000 |
| fails 100 % and 0 % | 9, 9 |
| fails 20 % and 1 % | 57, 101 |
| fails 10 % and 1 % | 164, 325 |
| more than 1.5 times as slow in every pair | 9, 9 |
| more than 1.5 times as slow in 80 % of pairs | 24, 50 |

With equal rates of 30 % over 2,000 looks the wealth ever reached 20 in 1 % of 1,000 trials, and at
the very edge of the margin in 3.4 %.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
# Parts of the largest stake that can't lose everything on one score.
STAKES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def peak(scores: Sequence[float], mean: float) -> float:
    """The highest wealth so far of who bets that scores lie above `mean` on the average.

    Scores are between 0 and 1, in the order of their arrival. The null hypothesis is that each has,
    given those before it, an expectation of at most `mean`. An empty sequence leaves the 1.

    Raises:
        ValueError: `mean` is not strictly between 0 and 1.
    """
    if not 0 < mean < 1:
        raise ValueError(f"mean: {mean} is not between 0 and 1")
    if not len(scores):
        return 1.0
    stakes = np.array(STAKES) / mean
    gains = np.log1p(stakes[:, None] * (np.asarray(scores, dtype=float) - mean)[None, :])
    wealth = np.logaddexp.reduce(np.cumsum(gains, axis=1), axis=0) - math.log(len(stakes))
    # No finite number is lost by the bound, and JSON has no infinity.
    return math.exp(min(max(0.0, float(wealth.max())), 700.0))


def worse(pairs: Sequence[tuple[bool, bool]], margin: float) -> float:
    """The e-value against "the new policy does no more harm than the old one, but for `margin`".

    Each pair says whether the new answer was harmful (disliked, failed) and whether the old one
    was. With rates p and q of harm, the null hypothesis is p - q <= margin.
    """
    return peak([_loss(new, old) for new, old in pairs], (1 + margin) / 2)


def better(pairs: Sequence[tuple[bool, bool]]) -> float:
    """The e-value against "the new policy does at least as much harm as the old one"."""
    return peak([1 - _loss(new, old) for new, old in pairs], 0.5)


def slower(pairs: Sequence[tuple[float, float]], ratio: float) -> float:
    """The e-value against "at most every second pair has the new one `ratio` times as slow".

    A sign test, since times have long tails: one hiccup of a minute counts as one.
    """
    return peak([float(new > ratio * old) for new, old in pairs], 0.5)


def pairs(
    arrivals: Iterable[tuple[bool, T]], *, before: Sequence[T] = (), stand_in: T | None = None
) -> list[tuple[T, T]]:
    """(new, old) for each new value that has a partner, in the order in which the pairs were made.

    `arrivals` says of each value whether it is a new one. A new one takes the latest old one that
    has no partner yet, since load and topics change by the hour. Where there is none, it takes the
    `stand_in`, or else waits for the next old one. Values `before` are old ones from before the
    first arrival. What was paired once stays so whatever comes later, as the bets need.
    """
    old, waiting, made = list(before), deque[T](), list[tuple[T, T]]()
    for is_new, value in arrivals:
        if is_new and old:
            made.append((value, old.pop()))
        elif is_new and stand_in is not None:
            made.append((value, stand_in))
        elif is_new:
            waiting.append(value)
        elif waiting:
            made.append((waiting.popleft(), value))
        else:
            old.append(value)
    return made


def _loss(new: bool, old: bool) -> float:
    """1 where the new one lost, 0 where it won, and a half for a tie."""
    return (1 + new - old) / 2
