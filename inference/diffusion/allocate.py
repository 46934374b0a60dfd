"""Second step: how many tokens each touchable block may keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block

MOST_REWRITES = 3
# For every block that is forgotten two more are shortened, so memory fades before it is gone.
SHORTENED_PER_FORGOTTEN = 2
SHORTENED_SHARE = 0.6


def allocate(
    blocks: Sequence[Block], importance: Mapping[int, float], excess: int, overhead: int
) -> dict[int, int]:
    """A budget for each block, so that together they give up at least `excess` tokens if they can.

    From the least important on, the first few blocks get nothing and the next few a part of what
    they have; the rest keep all. `overhead` is what a message costs beside its text, which is
    counted as saved only by a block that was a whole message. A block with a single sentence, or
    one that was rewritten often, is not shortened: it stays whole or goes.
    """
    order = sorted(blocks, key=lambda block: (importance[block.id], block.id))
    shortened = [_shortened(block) for block in order]
    whole = [block.tokens + (overhead if block.parts == 1 else 0) for block in order]
    forgotten_saves = [0, *accumulate(whole)]
    shortened_saves = [
        0,
        *accumulate(block.tokens - part for block, part in zip(order, shortened, strict=True)),
    ]
    for forgotten in range(len(order) + 1):
        last = min(len(order), forgotten + SHORTENED_PER_FORGOTTEN * forgotten)
        saved = forgotten_saves[forgotten] + shortened_saves[last] - shortened_saves[forgotten]
        if saved >= excess:
            break
    return {
        block.id: 0 if rank < forgotten else part if rank < last else block.tokens
        for rank, (block, part) in enumerate(zip(order, shortened, strict=True))
    }


def _shortened(block: Block) -> int:
    if block.rewrites >= MOST_REWRITES or len(sentences(block.text)) < 2:
        return block.tokens
    return int(block.tokens * SHORTENED_SHARE)
