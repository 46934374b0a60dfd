"""Takes a message into the window, cut into blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from inference.contracts import ChatMessage, ImageRef
from inference.diffusion.sentences import pieces, sentences
from inference.diffusion.window import (
    BLOCK_TOKENS,
    Block,
    Exchange,
    Kind,
    Tokenizer,
    Window,
)

PICTURE = "[picture]"


def admit(
    window: Window,
    message: str,
    role: str,
    text: str,
    tokenizer: Tokenizer,
    *,
    images: Sequence[ImageRef] = (),
    thoughts: Sequence[str] = (),
    exchanges: Sequence[Exchange] = (),
) -> Window:
    """The window with one message more at its end; it may be too large until it is diffused.

    The blocks' texts joined are the message; before them stand its pictures, or what was thought
    and what tools said before an answer.
    """
    texts = blocks_of(text, tokenizer)
    counts = tokenizer.counts([*thoughts, *(each.text for each in exchanges), *texts])
    blocks = [
        *(_picture(message, role, image, tokenizer) for image in images),
        *(Block(0, message, role, each, 0, kind=Kind.THOUGHT) for each in thoughts),
        *(
            Block(0, message, role, each.text, 0, kind=Kind.EXCHANGE, exchange=each)
            for each in exchanges
        ),
        *(Block(0, message, role, each, 0, part, len(texts)) for part, each in enumerate(texts)),
    ]
    tokens = [*(block.tokens for block in blocks[: len(images)]), *counts]
    numbered = tuple(
        replace(block, id=window.next_id + place, tokens=count)
        for place, (block, count) in enumerate(zip(blocks, tokens, strict=True))
    )
    return replace(
        window, blocks=(*window.blocks, *numbered), next_id=window.next_id + max(1, len(numbered))
    )


def _picture(message: str, role: str, image: ImageRef, tokenizer: Tokenizer) -> Block:
    shown, bare = (
        len(tokenizer.prompt_ids([ChatMessage(role, "a", images)])) for images in ((image,), ())
    )
    return Block(0, message, role, PICTURE, shown - bare, kind=Kind.IMAGE, image=image)


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
