"""First step: which blocks may be touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from inference.diffusion.window import USER, Block, Window

# Two turns: what "it" and "that" in the newest message refer to.
LAST_MESSAGES = 4


def newest(window: Window) -> frozenset[int]:
    """The blocks of the newest message of a person, which is what is to be answered."""
    said = [block.message for block in window.blocks if block.role == USER]
    return frozenset(block.id for block in window.blocks if said and block.message == said[-1])


def mask(window: Window, spared: int, pinned: int) -> frozenset[int]:
    """The ids of the blocks that may be rewritten or forgotten.

    The system text is no block. The newest message of a person is never touched. The last turns
    around it are not while all of them together fit in `spared` tokens, nor are pinned blocks
    while they fit in `pinned` tokens, both asked from the newest on.
    """
    fixed = newest(window)
    others = [block for block in window.blocks if block.id not in fixed]
    kept = set(_that_fit(_messages(others)[: -LAST_MESSAGES - 1 : -1], spared))
    pins = [[block] for block in reversed(others) if block.is_pinned]
    return frozenset(block.id for block in others) - kept - set(_that_fit(pins, pinned))


def _that_fit(groups: Iterable[list[Block]], room: int) -> Iterator[int]:
    for group in groups:
        room -= sum(block.tokens for block in group)
        if room < 0:
            return
        yield from (block.id for block in group)


def _messages(blocks: Sequence[Block]) -> list[list[Block]]:
    return [list(group) for _, group in groupby(blocks, key=lambda block: block.message)]
