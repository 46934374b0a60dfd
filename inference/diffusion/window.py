"""What a window is: frozen values, and their form in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Protocol

from inference.contracts import Call, ChatMessage, ImageRef

Encoder = Callable[[str], list[int]]

USER = "user"
ASSISTANT = "assistant"
BLOCK_TOKENS = 96


class Tokenizer(Protocol):
    """The part of `ChatTokenizer` that the memory loop needs."""

    def counts(self, texts: Sequence[str]) -> list[int]: ...
    def spans(self, text: str) -> list[tuple[int, int]]: ...
    def prompt_ids(self, messages: Sequence[ChatMessage]) -> list[int]: ...


class Kind(StrEnum):
    """What a block is. All but texts are kept whole or let go whole."""

    TEXT = "text"
    IMAGE = "image"
    CAPTION = "caption"
    THOUGHT = "thought"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Exchange:
    """The tool calls of one step of an answer, and the result of each."""

    calls: tuple[Call, ...]
    results: tuple[str, ...]

    @property
    def text(self) -> str:
        """For people, and for those who judge what of it will be asked for."""
        return "\n".join(
            f"{call.name}({call.arguments}): {result}"
            for call, result in zip(self.calls, self.results, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a message that is kept, cut or forgotten as one.

    `id` rises with time and is never used twice in a window. `part` of `parts` says which piece of
    the message it is, so that a missing neighbour can be seen. `tokens` counts the text on its own.
    `needs` are the log-odds that what a sentence says will be asked for, one for each of
    `sentences.sentences(text)`; empty while unknown. A pinned block is not forgotten. `part` and
    `parts` count texts alone. The text of an image is its caption, and that of an exchange what was
    called and what came of it.
    """

    id: int
    message: str
    role: str
    text: str
    tokens: int
    part: int = 0
    parts: int = 1
    needs: tuple[float, ...] = ()
    rewrites: int = 0
    is_pinned: bool = False
    kind: Kind = Kind.TEXT
    image: ImageRef | None = None
    exchange: Exchange | None = None

    @property
    def is_verbatim(self) -> bool:
        return self.rewrites == 0


class Action(StrEnum):
    KEPT = "kept"
    EXTRACTED = "extracted"
    REWRITTEN = "rewritten"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one block and why, in words for a person."""

    action: Action
    block: int
    message: str
    role: str
    text_before: str
    text_after: str
    tokens_before: int
    tokens_after: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Window:
    """The dialogue as the policy remembers it. Blocks are in the order in which they were said.

    `notes` are what is known of the person from elsewhere; the policy reads them after the system
    text. The loop leaves them as they are, and out where they would crowd out what was just said.
    `changes` is what the loop did ahead of time, since the policy read it last.
    """

    system_text: str
    blocks: tuple[Block, ...] = ()
    next_id: int = 0
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Diffusion:
    """The outcome of one round of the loop; the prompt's ids are what the engine is to be sent."""

    window: Window
    changes: tuple[Change, ...]
    prompt_ids: tuple[int, ...]

    @property
    def prompt_tokens(self) -> int:
        return len(self.prompt_ids)


def forget(window: Window, messages: Collection[str]) -> Window:
    """The window without anything that came from these messages."""
    blocks = tuple(block for block in window.blocks if block.message not in messages)
    changes = tuple(change for change in window.changes if change.message not in messages)
    return replace(window, blocks=blocks, changes=changes)


def to_json(window: Window) -> dict[str, Any]:
    """The window as JSON types; `from_json` gives back an equal window."""
    return {
        "system_text": window.system_text,
        "next_id": window.next_id,
        "notes": list(window.notes),
        "blocks": [_block_json(block) for block in window.blocks],
        "changes": [change.to_json() for change in window.changes],
    }


def _block_json(block: Block) -> dict[str, Any]:
    """Most blocks are texts: what only others have is left out of them."""
    content = asdict(block)
    if block.kind == Kind.TEXT:
        for name in ("kind", "image", "exchange"):
            del content[name]
    return content


def from_json(content: dict[str, Any]) -> Window:
    blocks = tuple(_block(block) for block in content["blocks"])
    notes = tuple(content.get("notes", ()))
    changes = tuple(_change(change) for change in content.get("changes", ()))
    return Window(content["system_text"], blocks, content["next_id"], notes, changes)


def _change(content: dict[str, Any]) -> Change:
    return Change(**{**content, "action": Action(content["action"])})


def _block(content: dict[str, Any]) -> Block:
    """A stored block; what an older version of Danas knew of it besides is left out."""
    known = {field.name: content[field.name] for field in fields(Block) if field.name in content}
    image, exchange = known.get("image"), known.get("exchange")
    return Block(
        **{
            **known,
            "needs": tuple(content.get("needs", ())),
            "kind": Kind(known.get("kind", Kind.TEXT)),
            "image": ImageRef(**image) if image else None,
            "exchange": _exchange(exchange) if exchange else None,
        }
    )


def _exchange(content: dict[str, Any]) -> Exchange:
    calls = tuple(Call(**call) for call in content["calls"])
    return Exchange(calls, tuple(content["results"]))
