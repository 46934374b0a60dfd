"""Takes a message into the window, cut into blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from inference.diffusion.sentences import pieces, sentences
from inference.diffusion.window import BLOCK_TOKENS, Block, Tokenizer, Window


def admit(window: Window, message: str, role: str, text: str, tokenizer: Tokenizer) -> Window:
    """The window with one message more at its end; it may be too large until it is diffused.

    The blocks' texts joined are the message.
    """
    texts = blocks_of(text, tokenizer)
    counts = tokenizer.counts(texts)
    blocks = tuple(
        Block(window.next_id + part, message, role, piece, tokens, part, len(texts))
        for part, (piece, tokens) in enumerate(zip(texts, counts, strict=True))
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


def with_needs(window: Window, needs: Mapping[int, Sequence[float]]) -> Window:
    """The window with the log-odds that were read for the sentences of some blocks, by id.

    What was read of a block that has other sentences by now is left out.
    """
    blocks = tuple(
        replace(block, needs=tuple(needs[block.id]))
        if len(needs.get(block.id, ())) == len(sentences(block.text))
        else block
        for block in window.blocks
    )
    return replace(window, blocks=blocks)
