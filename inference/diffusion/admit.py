"""Takes a message into the window, cut into blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from inference.diffusion.sentences import pieces
from inference.diffusion.window import BLOCK_TOKENS, Block, Tokenizer, Window


def admit(
    window: Window,
    message: str,
    role: str,
    text: str,
    tokenizer: Tokenizer,
    surprisals: Sequence[float] | None = None,
) -> Window:
    """The window with one message more at its end; it may be too large until it is diffused.

    The blocks' texts joined are the message. `surprisals` are minus the log-probabilities of the
    message's tokens, in order, the end mark included or not.
    """
    texts = blocks_of(text, tokenizer)
    counts = tokenizer.counts(texts)
    means = _means(counts, surprisals) if surprisals else [None] * len(texts)
    blocks = tuple(
        Block(window.next_id + part, message, role, piece, tokens, part, len(texts), surprisal)
        for part, (piece, tokens, surprisal) in enumerate(zip(texts, counts, means, strict=True))
    )
    return replace(
        window, blocks=(*window.blocks, *blocks), next_id=window.next_id + max(1, len(blocks))
    )


def blocks_of(text: str, tokenizer: Tokenizer, limit: int = BLOCK_TOKENS) -> list[str]:
    """Cut a message into texts of at most `limit` tokens each, each counted on its own."""
    done: list[str] = []
    todo = [text] if text else []
    while todo:
        cut = [piece for each in todo for piece in pieces(each, tokenizer.spans(each), limit)]
        if cut == todo:
            return done + cut
        todo = cut
    return done


def _means(counts: Sequence[int], surprisals: Sequence[float]) -> list[float | None]:
    """The mean surprisal of each block, dividing the tokens among them as their counts do.

    What was sampled and what is counted can differ by a token here and there, since text can be
    written with other tokens than it is read with.
    """
    scale = len(surprisals) / sum(counts)
    means: list[float | None] = []
    end = 0
    for count in counts:
        begin, end = end, end + count
        first = min(round(begin * scale), len(surprisals) - 1)
        share = surprisals[first : max(round(end * scale), first + 1)]
        means.append(sum(share) / len(share))
    return means


def with_surprisal(window: Window, surprisals: Mapping[int, float]) -> Window:
    """The window with what was found out about some of its blocks, in nats per token, by id."""
    blocks = tuple(
        replace(block, surprisal=surprisals.get(block.id, block.surprisal))
        for block in window.blocks
    )
    return replace(window, blocks=blocks)
