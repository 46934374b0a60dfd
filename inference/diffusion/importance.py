"""How much each block is worth keeping: how surprising it was, and how recent.

A block that the model could have guessed tells it nothing that it would miss. Answers are sampled
and so less surprising than what a person writes; each block is therefore compared with the blocks
of its own role. While no surprisal is known the order is that of recency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev

from inference.diffusion.window import Block, Window

# A block four messages old has half the recency of the newest: the old ones differ little, and
# among them surprisal decides.
HALF_LIFE_MESSAGES = 4.0
SURPRISAL_WEIGHT = 0.5
# Beyond two deviations a block is an outlier, often gibberish, and no more worth for that.
LARGEST_DEVIATION = 2.0
TOO_ALIKE = 1e-6


def importance(window: Window) -> dict[int, float]:
    """For each block's id a number in [0, 1]; one half of it is surprisal, the other recency."""
    recency = recencies(window)
    deviation = deviations(window.blocks)
    return {
        block.id: (1 - SURPRISAL_WEIGHT) * recency[block.id]
        + SURPRISAL_WEIGHT * (0.5 + deviation.get(block.id, 0.0) / (2 * LARGEST_DEVIATION))
        for block in window.blocks
    }


def recencies(window: Window) -> dict[int, float]:
    """1 for the newest message's blocks, falling with each message that came after."""
    messages = list(dict.fromkeys(block.message for block in window.blocks))
    age = {message: age for age, message in enumerate(reversed(messages))}
    return {block.id: 1 / (1 + age[block.message] / HALF_LIFE_MESSAGES) for block in window.blocks}


def deviations(blocks: Sequence[Block]) -> Mapping[int, float]:
    """By how many standard deviations a block surprises more than others of its role, if known."""
    known = [(block, block.surprisal) for block in blocks if block.surprisal is not None]
    found: dict[int, float] = {}
    for role in {block.role for block, _ in known}:
        values = {block.id: value for block, value in known if block.role == role}
        mean, spread = fmean(values.values()), pstdev(values.values())
        if spread > TOO_ALIKE:
            found |= {key: _clip((value - mean) / spread) for key, value in values.items()}
    return found


def _clip(deviation: float) -> float:
    return max(-LARGEST_DEVIATION, min(LARGEST_DEVIATION, deviation))
