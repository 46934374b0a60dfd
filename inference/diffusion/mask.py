"""First step: which blocks may be touched."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from inference.diffusion.window import USER, Block, Window

# Two turns: what "it" and "that" in the newest message refer to.
LAST_MESSAGES = 4


def newest(window: Window) -> frozenset[int]:
    """The blocks of the newest message of a person, which is what is to be answered."""
    said = [block.message for block in window.blocks if block.role == USER]
    return frozenset(block.id for block in window.blocks if said and block.message == said[-1])


def mask(window: Window, room: int) -> frozenset[int]:
    """The ids of the blocks that may be rewritten or forgotten.

    The system text is no block. The newest message of a person is never touched; the last turns
    around it are not while all of them together fit in `room` tokens, which is asked message by
    message from the newest on.
    """
    pinned = newest(window)
    others = [block for block in window.blocks if block.id not in pinned]
    kept: set[int] = set()
    for message in _messages(others)[: -LAST_MESSAGES - 1 : -1]:
        room -= sum(block.tokens for block in message)
        if room < 0:
            break
        kept.update(block.id for block in message)
    return frozenset(block.id for block in others) - kept


def _messages(blocks: Sequence[Block]) -> list[list[Block]]:
    return [list(group) for _, group in groupby(blocks, key=lambda block: block.message)]
