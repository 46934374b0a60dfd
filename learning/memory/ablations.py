"""What the loop might also go by, to be measured against it: none of it is in use.

Both change log-odds in the window as a turn comes, so that nothing is read twice. EXPERIMENTS.md
has what came of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from math import log

from inference.diffusion import Block, Window
from inference.diffusion.guard import stems

# Of an earlier block's words, weighed by how rare they are, those said again by a later one.
SAID_AGAIN = 0.5
# In log-odds: what the earlier one loses, and what everything loses with each turn.
SUPERSEDED = 1.0
FADING = 0.004

Adjust = Callable[[Window, int], Window]
"""A window whose blocks from this id on are new, with other log-odds."""


def superseded(window: Window, first: int) -> Window:
    """What speaks of the same things as something new is less likely to be asked for."""
    words = {block.id: _stems(block.text) for block in window.blocks}
    held = Counter(word for each in words.values() for word in each)
    rarity = {word: log(len(words) / count) for word, count in held.items()}
    new = [words[block.id] for block in window.blocks if block.id >= first]

    def is_said_again(block: Block) -> bool:
        total = sum(rarity[word] for word in words[block.id])
        said = max(
            (sum(rarity[word] for word in words[block.id] & each) for each in new), default=0
        )
        return block.id < first and said > SAID_AGAIN * total

    return _lowered(window, [SUPERSEDED * is_said_again(block) for block in window.blocks])


def fading(window: Window, first: int) -> Window:
    """What was said longer ago is less likely to be asked for."""
    return _lowered(window, [FADING * (block.id < first) for block in window.blocks])


def _lowered(window: Window, losses: Sequence[float]) -> Window:
    return replace(
        window,
        blocks=tuple(
            replace(block, needs=tuple(need - loss for need in block.needs)) if loss else block
            for block, loss in zip(window.blocks, losses, strict=True)
        ),
    )


@cache
def _stems(text: str) -> frozenset[str]:
    return frozenset(stems(text))
