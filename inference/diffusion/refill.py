"""Third step: rewrite each block to fit its budget, by leaving out whole sentences.

Nothing is worded anew: whatever stands in a rewritten block stood in its source, so no number, name
or date can be invented. Which sentences stay is decided by how rare their words are in the window.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log

from inference.diffusion.prompt import GAP
from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block, Tokenizer

WORD = re.compile(r"\w+")


def refill(
    blocks: Sequence[Block], budgets: Mapping[int, int], tokenizer: Tokenizer
) -> tuple[Block, ...]:
    """The blocks that are left, in order. A block without a budget is left as it is."""
    extracts = _extracts(
        [block for block in blocks if 0 < budgets.get(block.id, 0) < block.tokens],
        budgets,
        rarities(blocks),
        tokenizer,
    )
    filled = (
        extracts[block.id]
        if block.id in extracts
        else None
        if budgets.get(block.id) == 0
        else block
        for block in blocks
    )
    return tuple(block for block in filled if block is not None)


def rarities(blocks: Sequence[Block]) -> Mapping[str, float]:
    """How much a word tells: the logarithm of one over the share of blocks that have it."""
    having = Counter(word for block in blocks for word in set(_words(block.text)))
    return {word: log(len(blocks) / count) for word, count in having.items()}


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _extracts(
    blocks: Sequence[Block],
    budgets: Mapping[int, int],
    rarity: Mapping[str, float],
    tokenizer: Tokenizer,
) -> dict[int, Block | None]:
    """Each block with its best sentences, None where not one of them fits.

    A rarely needed second round drops the worst sentence of a text that has more tokens together
    than its sentences have apart.
    """
    parts = {block.id: sentences(block.text) for block in blocks}
    counts = iter(tokenizer.counts([part for each in parts.values() for part in each]))
    chosen = {
        block.id: _choose(parts[block.id], budgets[block.id], rarity, counts_of)
        for block in blocks
        if (counts_of := [next(counts) for _ in parts[block.id]])
    }
    done: dict[int, Block | None] = {}
    todo = list(blocks)
    while todo:
        texts = [_text(parts[block.id], chosen[block.id]) for block in todo]
        for block, text, tokens in zip(todo, texts, tokenizer.counts(texts), strict=True):
            if not text:
                done[block.id] = None
            elif tokens <= budgets[block.id]:
                done[block.id] = replace(
                    block, text=text, tokens=tokens, rewrites=block.rewrites + 1
                )
        for block in (todo := [block for block in todo if block.id not in done]):
            chosen[block.id].pop()
    return done


def _choose(
    parts: Sequence[str], budget: int, rarity: Mapping[str, float], counts: Sequence[int]
) -> list[int]:
    """Which sentences fit together, the one that tells most per token first."""
    worth = [
        sum(rarity.get(word, 0.0) for word in _words(part)) / max(1, count)
        for part, count in zip(parts, counts, strict=True)
    ]
    chosen: list[int] = []
    for index in sorted(range(len(parts)), key=lambda index: (-worth[index], index)):
        if parts[index].strip() and counts[index] <= budget:
            chosen.append(index)
            budget -= counts[index]
    return chosen


def _text(parts: Sequence[str], chosen: Sequence[int]) -> str:
    """The chosen sentences in their order, an ellipsis where one between them is missing."""
    text = ""
    last: int | None = None
    for index in sorted(chosen):
        if last is not None and index > last + 1:
            text = text.rstrip() + GAP + parts[index].lstrip()
        else:
            text += parts[index]
        last = index
    return text.strip()
