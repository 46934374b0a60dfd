"""How a window reads as a dialogue: the one place where blocks become messages again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, takewhile

from inference.contracts import ChatMessage
from inference.diffusion.window import USER, Block, Kind, Window

GAP = " … "
SYSTEM = "system"
TOOL = "tool"
NOTES = "What you know about the person you talk with:"


def to_messages(window: Window) -> list[ChatMessage]:
    """The dialogue that the policy sees, the system text first.

    What was cut out of a message is marked with an ellipsis. Templates of some models insist that
    roles alternate and that a person begins, which a forgotten message would break: neighbours
    with the same role are joined, and an ellipsis speaks for a forgotten beginning.
    """
    spoken: list[ChatMessage] = []
    for role, messages in groupby(_by_message(window.blocks), key=lambda item: item[0]):
        if role != USER and not spoken:
            spoken.append(ChatMessage(USER, GAP.strip()))
        spoken += _turn(role, [list(blocks) for _, blocks in messages])
    return [ChatMessage(SYSTEM, _system(window)), *spoken]


def beginning(
    window: Window, prompt_ids: Callable[[Sequence[ChatMessage]], Sequence[int]]
) -> list[int]:
    """The ids that the next prompt begins with, whatever a person says next, while it all fits."""
    one, other = (prompt_ids(to_messages(_followed(window, by))) for by in ("a", "1"))
    pairs = zip(one, other, strict=False)
    return [token for token, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]


def _followed(window: Window, by: str) -> Window:
    return replace(window, blocks=(*window.blocks, Block(window.next_id, "", USER, by, 1)))


def _turn(role: str, messages: Sequence[list[Block]]) -> Iterator[ChatMessage]:
    """Neighbouring messages of one role: what tools were asked and said, then the rest as one."""
    blocks = [block for message in messages for block in message]
    for exchange in (block.exchange for block in blocks if block.exchange):
        yield ChatMessage(role, "", calls=exchange.calls)
        for call, result in zip(exchange.calls, exchange.results, strict=True):
            yield ChatMessage(TOOL, result, call_id=call.id)
    said = "\n\n".join(filter(None, map(_joined, messages)))
    images = tuple(block.image for block in blocks if block.kind == Kind.IMAGE and block.image)
    thought = "\n\n".join(block.text for block in blocks if block.kind == Kind.THOUGHT)
    if said or images or thought or not any(block.exchange for block in blocks):
        yield ChatMessage(role, said, images, thought)


def _system(window: Window) -> str:
    """The system text as it is, followed by the notes, a line each."""
    if not window.notes:
        return window.system_text
    notes = "\n".join(f"- {note}" for note in window.notes)
    return "\n\n".join(filter(None, [window.system_text, f"{NOTES}\n{notes}"]))


def _by_message(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    groups = (list(group) for _, group in groupby(blocks, key=lambda block: block.message))
    return [(group[0].role, group) for group in groups]


def _joined(message: Sequence[Block]) -> str:
    """One message's text: exactly as it was said where nothing is missing."""
    captions = [f"[a picture was shown here: {b.text}]" for b in message if b.kind == Kind.CAPTION]
    blocks = [block for block in message if block.kind == Kind.TEXT]
    return "\n".join([*captions, *([_text(blocks)] if blocks else [])])


def _text(blocks: Sequence[Block]) -> str:
    text = "" if blocks[0].part == 0 else GAP.lstrip()
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        text += block.text
        if after is not None and not _meet(block, after):
            text = text.rstrip() + GAP
    return text if blocks[-1].part == blocks[-1].parts - 1 else text.rstrip() + GAP.rstrip()


def _meet(block: Block, after: Block) -> bool:
    return after.part == block.part + 1 and block.is_verbatim and after.is_verbatim
