"""Second step: how many tokens each touchable block may keep.

A sentence is worth the chance that it is asked for, and costs its tokens: what is worth least for
what it costs goes first (the greedy rule for the knapsack; Dantzig 1957).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from inference.diffusion.importance import chance
from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block, Kind, Tokenizer

MOST_REWRITES = 3
# One message may fill a fourth of the room; what it has beyond counts for a tenth, so that nobody
# fills the window with one paste, or by asking for it.
MESSAGE_SHARE = 4
BEYOND_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class _Item:
    """What is kept or let go as one: a sentence, or a block that can't be shortened."""

    block: Block
    text: str
    worth: float
    tokens: int
    cost: float

    @property
    def density(self) -> float:
        return self.worth / self.cost


def allocate(
    blocks: Sequence[Block],
    importance: Mapping[int, float],
    excess: int,
    room: int,
    overhead: int,
    tokenizer: Tokenizer,
    *,
    whole: bool = False,
) -> dict[int, int]:
    """A budget for each block, so that together they give up at least `excess` tokens if they can.

    `room` is what all of the dialogue may take; `overhead` is what a message costs beside its
    text: part of what its pieces cost, and saved by a block that was a whole message. A block that
    was rewritten often, has one sentence or unknown needs stays whole or goes; with `whole` all
    blocks do.
    """
    items = _devalued(
        [*_items(blocks, importance, overhead, tokenizer, whole=whole)], room // MESSAGE_SHARE
    )
    left = {block.id: block.tokens for block in blocks}
    pieces = Counter(item.block.id for item in items)
    saved = 0
    for item in sorted(items, key=lambda item: (item.density, item.block.id)):
        if saved >= excess:
            break
        block = item.block
        pieces[block.id] -= 1
        is_last = not pieces[block.id]
        freed = left[block.id] if is_last else min(item.tokens, left[block.id])
        left[block.id] -= freed
        saved += freed + (overhead if is_last and block.parts == 1 else 0)
    return left


def _items(
    blocks: Sequence[Block],
    importance: Mapping[int, float],
    overhead: int,
    tokenizer: Tokenizer,
    *,
    whole: bool,
) -> Iterator[_Item]:
    parts = {
        block.id: sentences(block.text)
        for block in blocks
        if not whole
        and block.kind == Kind.TEXT
        and len(block.needs) > 1
        and block.rewrites < MOST_REWRITES
    }
    counts = iter(tokenizer.counts([part for each in parts.values() for part in each]))
    # Where only its age is known of a block, its length is no matter.
    typical = fmean(block.tokens for block in blocks) if blocks else 1.0
    for block in blocks:
        share = overhead / block.parts
        if block.id in parts:
            share /= len(parts[block.id])
            for part, need in zip(parts[block.id], block.needs, strict=True):
                tokens = next(counts)
                yield _Item(block, part, chance(need), tokens, max(1, tokens + share))
        else:
            cost = max(1, block.tokens + share) if block.needs else typical
            yield _Item(block, block.text, importance[block.id], block.tokens, cost)


def _devalued(items: Sequence[_Item], share: int) -> list[_Item]:
    """What was said again later is worth nothing, what crowds out other messages little."""
    newest: dict[str, int] = {}
    for item in items:
        newest[_words(item.text)] = max(item.block.id, newest.get(_words(item.text), 0))
    taken: dict[str, int] = defaultdict(int)
    valued = []
    for item in sorted(items, key=lambda item: -item.density):
        worth = item.worth if newest[_words(item.text)] == item.block.id else 0.0
        if worth:
            taken[item.block.message] += item.tokens
            worth *= 1.0 if taken[item.block.message] <= share else BEYOND_SHARE
        valued.append(replace(item, worth=worth))
    return valued


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
