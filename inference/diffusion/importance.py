"""How much each block is worth keeping: how likely what it says is to be asked for.

Where that is unknown it is how recent the block is, so with nothing known the oldest go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, prod

from inference.diffusion.window import Window

# A block four messages old has half the recency of the newest.
HALF_LIFE_MESSAGES = 4.0


def importance(window: Window) -> dict[int, float]:
    """For each block's id a number in [0, 1]."""
    recency = recencies(window)
    return {
        block.id: likelihood(block.needs) if block.needs else recency[block.id]
        for block in window.blocks
    }


def likelihood(needs: Sequence[float]) -> float:
    """That something is asked for of sentences with these log-odds, each by itself."""
    return 1 - prod(1 - chance(need) for need in needs)


def chance(log_odds: float) -> float:
    """The probability of log-odds, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + exp(-log_odds))
    return exp(log_odds) / (1 + exp(log_odds))


def recencies(window: Window) -> dict[int, float]:
    """1 for the newest message's blocks, falling with each message that came after."""
    messages = list(dict.fromkeys(block.message for block in window.blocks))
    age = {message: age for age, message in enumerate(reversed(messages))}
    return {block.id: 1 / (1 + age[block.message] / HALF_LIFE_MESSAGES) for block in window.blocks}
