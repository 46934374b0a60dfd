"""Dialogues as they are read: blocks, and for each sentence whether it is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.diffusion import Window, admit
from inference.diffusion.marker import Reading, readings
from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block, Encoder, Tokenizer
from learning.memory.dialogue import Dialogue


@dataclass(frozen=True, slots=True)
class Lesson:
    """A reading and what is right for each of its sentences."""

    reading: Reading
    is_needed: tuple[bool, ...]


def blocks_of(dialogue: Dialogue, tokenizer: Tokenizer) -> tuple[Block, ...]:
    """The whole dialogue as blocks; a block's message is its turn's id."""
    window = Window("")
    for turn in dialogue.turns:
        window = admit(window, turn.id, turn.speaker, turn.shown, tokenizer)
    return window.blocks


def lessons(
    dialogue: Dialogue,
    blocks: Sequence[Block],
    encode: Encoder,
    *,
    plain: bool = False,
) -> list[Lesson]:
    """Every sentence of a dialogue's blocks with whether it is asked about, by its quotes."""
    quotes: dict[str, list[str]] = {}
    for question in dialogue.questions:
        for turn in question.evidence:
            quotes.setdefault(turn, []).append(question.quote)
    parts = {block.id: sentences(block.text) for block in blocks}
    turn_of = {block.id: block.message for block in blocks}
    return [
        Lesson(
            reading,
            tuple(
                any(_says(parts[block][number], quote) for quote in quotes.get(turn_of[block], ()))
                for block, number in reading.asked
            ),
        )
        for reading in readings(blocks, turn_of, encode, plain=plain)
    ]


def _says(sentence: str, quote: str) -> bool:
    """Whether a sentence has some of a quote's sentences in it, or is part of one."""
    return any(
        part.strip() in sentence or sentence.strip() in part
        for part in sentences(quote)
        if part.strip() and sentence.strip()
    )
