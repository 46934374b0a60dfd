"""Third step: rewrite each block to fit its budget.

A block is extracted, that is, whole sentences are left out, or it is worded anew by a model
(`rewrite.py`), where that fits its budget and says nothing that its source doesn't (`guard.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from inference.diffusion.admit import PICTURE
from inference.diffusion.guard import accepted, stems
from inference.diffusion.importance import chance
from inference.diffusion.prompt import GAP
from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block, Kind, Tokenizer


def refill(
    blocks: Sequence[Block],
    budgets: Mapping[int, int],
    tokenizer: Tokenizer,
    rewritten: Mapping[int, str] | None = None,
) -> tuple[Block, ...]:
    """The blocks that are left, in order. A block without a budget is left as it is.

    `rewritten` are texts of a model for some blocks, each taken where the guard lets it pass, it
    fits, and it keeps more than the extract of what will be asked for.
    """
    shortened = [block for block in blocks if 0 < budgets.get(block.id, 0) < block.tokens]
    refills = _extracts(shortened, budgets, tokenizer)
    for block in shortened:
        text = (rewritten or {}).get(block.id, "")
        worded_anew = accepted(block, text, budgets[block.id], tokenizer) if text else None
        if worded_anew and _kept(block, worded_anew) > _kept(block, refills.get(block.id)):
            refills[block.id] = worded_anew
    for block in blocks:
        if budgets.get(block.id) == 0:
            refills[block.id] = _counted(captioned(block), tokenizer)
    filled = (refills.get(block.id, block) for block in blocks)
    return tuple(block for block in filled if block is not None)


def _counted(block: Block | None, tokenizer: Tokenizer) -> Block | None:
    return block and replace(block, tokens=tokenizer.counts([block.text])[0])


def captioned(block: Block) -> Block | None:
    """What is left of a block that is let go: of a picture that was described, its caption."""
    if block.kind != Kind.IMAGE or block.text == PICTURE:
        return None
    return replace(block, kind=Kind.CAPTION, image=None, tokens=0, rewrites=block.rewrites + 1)


def _kept(block: Block, refill: Block | None) -> float:
    """How many of its sentences' words are still there, by how likely they are to be asked for."""
    left = stems(refill.text) if refill else set()
    parts = zip(sentences(block.text), block.needs, strict=True)
    return sum(
        chance(need) * len(said & left) / len(said) for part, need in parts if (said := stems(part))
    )


def _extracts(
    blocks: Sequence[Block], budgets: Mapping[int, int], tokenizer: Tokenizer
) -> dict[int, Block | None]:
    """Each block with its best sentences, None where not one of them fits.

    A rarely needed second round drops the worst sentence of a text that has more tokens together
    than its sentences have apart.
    """
    parts = {block.id: sentences(block.text) for block in blocks}
    counts = iter(tokenizer.counts([part for each in parts.values() for part in each]))
    chosen = {
        block.id: _choose(block, parts[block.id], budgets[block.id], [*islice(counts, n)])
        for block in blocks
        if (n := len(parts[block.id]))
    }
    done: dict[int, Block | None] = {}
    todo = list(blocks)
    while todo:
        texts = [_text(parts[block.id], chosen[block.id]) for block in todo]
        for block, text, tokens in zip(todo, texts, tokenizer.counts(texts), strict=True):
            if not text:
                done[block.id] = None
            elif tokens <= budgets[block.id]:
                done[block.id] = _shortened(block, text, tokens, chosen[block.id])
        for block in (todo := [block for block in todo if block.id not in done]):
            chosen[block.id].pop()
    return done


def _choose(block: Block, parts: Sequence[str], budget: int, counts: Sequence[int]) -> list[int]:
    """Which sentences fit together, the one that is worth most per token first."""
    worth = [chance(need) / max(1, count) for need, count in zip(block.needs, counts, strict=True)]
    chosen: list[int] = []
    for index in sorted(range(len(worth)), key=lambda index: (-worth[index], index)):
        if parts[index].strip() and counts[index] <= budget:
            chosen.append(index)
            budget -= counts[index]
    return chosen


def _shortened(block: Block, text: str, tokens: int, chosen: Sequence[int]) -> Block:
    needs = tuple(block.needs[index] for index in sorted(chosen))
    if len(sentences(text)) != len(needs):
        # Cut another way than its source was: all of it is then worth what its best part was.
        needs = (max(needs),) * len(sentences(text))
    return replace(block, text=text, tokens=tokens, needs=needs, rewrites=block.rewrites + 1)


def _text(parts: Sequence[str], chosen: Sequence[int]) -> str:
    """The chosen sentences in their order, an ellipsis where one between them is missing."""
    text = ""
    last: int | None = None
    for index in sorted(chosen):
        part = parts[index]
        if last is not None and index > last + 1:
            text = text.rstrip() + GAP + part.lstrip().removeprefix(GAP.lstrip())
        else:
            text += part
        last = index
    return text.strip().removeprefix(GAP.lstrip())
