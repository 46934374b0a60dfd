"""Wording blocks anew: which ones, how long, and what a model is asked.

A block that would be shortened by leaving sentences out is given to a model, with what stands
before and after it in the window, to be said in as many tokens as those sentences take. `diffuse`
takes the texts that come back, as far as the copy guard (`guard.py`) lets them pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from inference.contracts import ChatMessage
from inference.diffusion.loop import SLACK, diffuse
from inference.diffusion.prompt import SYSTEM
from inference.diffusion.sentences import BORDER
from inference.diffusion.window import ASSISTANT, USER, Action, Block, Tokenizer, Window

# What is worded anew in one turn at most, and the shortest that it is worth asking for.
MOST_AT_ONCE = 8
LEAST_TOKENS = 8
# Of the window, on each side of a block.
NEIGHBOURS = 2
CONTEXT_CHARACTERS = 200
# So that a text of so many words rarely takes more tokens than it may.
WORDS_PER_TOKEN = 0.65

TASK = (
    "You shorten what was said. Keep names, numbers and dates as they are, drop small talk, and"
    " answer with the short text alone."
)
# Two orders that were filled well: a small model copies a form more readily than it obeys.
SHOWN = (
    (
        "Before: user: Guess who is back!\nAfter: assistant: How was the food?\n"
        "In at most 9 words: Hi there! Oh, it was so nice. We stayed in Lisbon for eight days, and"
        " my sister Vera came along too. What about you?",
        "We stayed in Lisbon for eight days with Vera.",
    ),
    (
        "Before: assistant: That is good to hear.\nAfter: …\n"
        "In at most 8 words: Well, you know me! I never eat nuts, because I'm allergic to them, as"
        " I found out at the dentist's.",
        "I never eat nuts; I'm allergic to them.",
    ),
)
ORDER = "Before: {before}\nAfter: {after}\nIn at most {words} words: {text}"


def plan(
    window: Window, limit: int, tokenizer: Tokenizer, *, slack: float = SLACK
) -> dict[int, int]:
    """The blocks that are to be worded anew so that the window fits, each with its tokens at most.

    Where there are too many, those that would lose most are taken.

    Raises: as `diffuse`.
    """
    changes = diffuse(window, limit, tokenizer, slack=slack).changes
    shortened = [
        change
        for change in changes
        if change.action == Action.EXTRACTED and change.tokens_after >= LEAST_TOKENS
    ]
    shortened.sort(key=lambda change: change.tokens_after - change.tokens_before)
    return {change.block: change.tokens_after for change in islice(shortened, MOST_AT_ONCE)}


def order(window: Window, block: int, budget: int) -> list[ChatMessage]:
    """What a model is asked, to fill the place of a block with at most `budget` tokens."""
    place = next(place for place, each in enumerate(window.blocks) if each.id == block)
    before, after = window.blocks[:place], window.blocks[place + 1 :]
    asked = ORDER.format(
        before=_spoken(before[-NEIGHBOURS:])[-CONTEXT_CHARACTERS:] or "…",
        after=_spoken(after[:NEIGHBOURS])[:CONTEXT_CHARACTERS] or "…",
        words=max(1, int(WORDS_PER_TOKEN * budget)),
        text=" ".join(window.blocks[place].text.split()),
    )
    shown = (
        message
        for given, filled in SHOWN
        for message in (ChatMessage(USER, given), ChatMessage(ASSISTANT, filled))
    )
    return [ChatMessage(SYSTEM, TASK), *shown, ChatMessage(USER, asked)]


def whole_sentences(text: str) -> str:
    """A text that was broken off, up to the end of its last whole sentence; maybe nothing."""
    ends = [match.end() for match in BORDER.finditer(text + "\n")]
    return text[: max((end for end in ends if end <= len(text)), default=0)].strip()


def _spoken(blocks: Sequence[Block]) -> str:
    return " ".join(f"{block.role}: {' '.join(block.text.split())}" for block in blocks)
