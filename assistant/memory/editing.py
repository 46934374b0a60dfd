"""What a person does to the memory of one conversation: pin, reword, add, forget.

It is done to the memory that an answer left, and only while no later answer has one of its own and
none is being made: sending and asking again lock the conversation, and so does this, so whatever
is answered next starts from what was changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from assistant.errors import AnswerNotFinished, MemoryMovedOn, MemoryOversize, NotFound, PinsFull
from assistant.library import notices
from assistant.memory import profile, traces, wishes
from assistant.memory.forgetting import at_or_below
from assistant.models import Conversation, Generation, Message, Note, User, Window
from assistant.models.conversation import owned_by
from assistant.tokens import tokenizer
from inference.diffusion import Block, from_json, to_json
from inference.diffusion import Window as Memory
from inference.diffusion.loop import PINNED_SHARE
from inference.diffusion.sentences import sentences
from inference.diffusion.window import BLOCK_TOKENS, USER
from learning import wishes as learned


@dataclass(frozen=True, slots=True)
class Pins:
    """How many tokens of a memory are pinned, and how many may be."""

    tokens: int
    limit: int


def pins(row: Window) -> Pins:
    """Half of the room beside the instructions, the notes and the template is for pins."""
    shown = sum(block.tokens for block in from_json(row.shown).blocks)
    room = row.limit_tokens - max(0, row.used_tokens - shown)
    pinned = sum(block.tokens for block in from_json(row.blocks).blocks if block.is_pinned)
    return Pins(pinned, room // PINNED_SHARE)


def is_current(row: Window) -> bool:
    """Whether no answer below it has a memory of its own."""
    below = set(at_or_below(row.message)) - {row.message_id}
    return not Window.objects.filter(pk__in=below).exists()


@transaction.atomic
def change(
    person: User, answer: UUID, block: int, *, text: str | None = None, is_pinned: bool | None
) -> Window:
    """Word a block differently, or pin it.

    Raises:
        NotFound: no such answer of this person, or no such block in its memory.
        AnswerNotFinished, MemoryMovedOn: it can't be changed now, or any more.
        MemoryOversize, PinsFull: it has too many tokens, or the pinned ones would have.
        ModelNotThere: tokens can't be counted.
    """
    row = _current(person, answer)
    found = _block(row, block)
    if text is not None and text != found.text:
        found = _reworded(found, text)
    if is_pinned is not None:
        found = replace(found, is_pinned=is_pinned)
    stored = _store(person, row, lambda each: found if each.id == block else each)
    if is_pinned is not None:
        wishes.note_pin(stored, found)
    return stored


@transaction.atomic
def add(person: User, answer: UUID, text: str) -> Window:
    """Have the conversation remember something that was not said in it: a pinned block. What is
    pinned already in these words is that.

    Raises: as `change`.
    """
    row = _current(person, answer)
    memory = from_json(row.blocks)
    if any(block.is_pinned and block.text == text for block in memory.blocks):
        return row
    made = Block(
        id=memory.next_id,
        message=str(uuid4()),
        role=USER,
        text=text,
        tokens=_count(text),
        needs=(profile.OWN_NEED,) * len(sentences(text)),
        is_pinned=True,
    )
    grown = replace(memory, blocks=(*memory.blocks, made), next_id=made.id + 1)
    return _save(person, row, grown)


@transaction.atomic
def forget(person: User, answer: UUID, block: int) -> None:
    """Take a block out of the conversation's memory, with its copies in the windows of all its
    answers, the notes that were taken from its message, and what was learned with it. The message
    stays where it was said.

    Raises:
        NotFound, AnswerNotFinished, MemoryMovedOn: as `change`.
    """
    row = _current(person, answer)
    found = _block(row, block)
    _take_out(row.message.conversation_id, found)
    learned.forget_sources([UUID(found.message)])
    if source := Message.with_deleted.filter(_is(found.message), owned_by(person)).first():
        notes = Note.with_deleted.filter(owner=person, source=source)
        traces.remove_notes(person.pk, [source.pk], with_prompts=False)
        notes.delete()
        notices.memory_changed(person.pk)
    notices.memory_changed(person.pk, row.message.conversation_id)


def _is(message: str) -> Q:
    return Q(pk=UUID(message))


def _current(person: User, answer: UUID) -> Window:
    """The memory that an answer left, locked together with its conversation."""
    message = Message.objects.filter(owned_by(person), pk=answer).first()
    if message is None:
        raise NotFound("There is no memory of such an answer.")
    Conversation.objects.select_for_update().get(pk=message.conversation_id)
    rows = Window.objects.select_for_update(of=("self",)).select_related("message")
    if (row := rows.filter(pk=answer).first()) is None:
        raise NotFound("There is no memory of such an answer.")
    being_made = Generation.objects.filter(
        message__conversation=message.conversation_id, status__in=Generation.OPEN
    )
    if being_made.exists():
        raise AnswerNotFinished("An answer is being made from this memory; wait for it or stop it.")
    if not is_current(row):
        raise MemoryMovedOn("The conversation went on: change the memory of its last answer.")
    return row


def _block(row: Window, block: int) -> Block:
    found = next((each for each in from_json(row.blocks).blocks if each.id == block), None)
    if found is None:
        raise NotFound("There is no such block in this memory.")
    return found


def _reworded(block: Block, text: str) -> Block:
    """As likely to be needed as the likeliest of what stood there."""
    needs = (max(block.needs),) * len(sentences(text)) if block.needs else ()
    rewrites = max(1, block.rewrites)
    return replace(block, text=text, tokens=_count(text), needs=needs, rewrites=rewrites)


def _count(text: str) -> int:
    tokens = tokenizer().counts([text])[0]
    if tokens > BLOCK_TOKENS:
        raise MemoryOversize(
            f"This has {tokens:,} tokens; a piece of memory has {BLOCK_TOKENS} at most."
        )
    return tokens


def _store(person: User, row: Window, made_of: Callable[[Block], Block]) -> Window:
    memory = from_json(row.blocks)
    blocks = tuple(made_of(block) for block in memory.blocks)
    return _save(person, row, replace(memory, blocks=blocks))


def _save(person: User, row: Window, memory: Memory) -> Window:
    before = pins(row)
    row.blocks = to_json(memory)
    after = pins(row)
    if after.tokens > max(after.limit, before.tokens):
        raise PinsFull(
            f"Pinned pieces may have {after.limit:,} tokens, half of the room; with this they"
            f" would have {after.tokens:,}. Unpin another one first."
        )
    row.save(update_fields=["blocks"])
    notices.memory_changed(person.pk, row.message.conversation_id)
    return row


def _take_out(conversation: UUID, block: Block) -> None:
    """Out of what was seen, what is carried on, and what is told of changes, in every answer."""
    one = {"id": block.id, "message": block.message}
    change = {"block": block.id, "message": block.message}
    holding = Q(shown__blocks__contains=[one]) | Q(blocks__blocks__contains=[one])
    rows = Window.objects.filter(message__conversation=conversation)
    told = Q(changes__contains=[change]) | Q(blocks__changes__contains=[change])
    for row in rows.filter(holding | told):
        row.shown["blocks"] = _without(row.shown["blocks"], one)
        row.blocks["blocks"] = _without(row.blocks["blocks"], one)
        row.blocks["changes"] = _without(row.blocks.get("changes", []), change)
        row.changes = _without(row.changes, change)
        row.save(update_fields=["shown", "blocks", "changes"])


def _without(items: list[dict[str, Any]], what: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in items if any(item[key] != value for key, value in what.items())]
