"""The memory of a conversation: which window an answer is made from, and what is carried on.

The state is the row of the answer before; `inference.diffusion` decides, this module reads and
writes. Reading back in time ends at the nearest ancestor with a row, so the cost of a turn does
not grow with the conversation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import transaction

from assistant.abilities import of_model
from assistant.images import uploads
from assistant.library import notices
from assistant.memory import carrying, profile
from assistant.models import Message, Note
from assistant.models import Window as WindowRow
from assistant.review import redaction
from inference.contracts import ChatMessage
from inference.diffusion import (
    Block,
    Diffusion,
    Exchange,
    Kind,
    Window,
    admit,
    diffuse,
    from_json,
    to_json,
    to_messages,
    with_needs,
)
from inference.diffusion.mask import newest
from inference.diffusion.refill import captioned
from inference.diffusion.sentences import sentences
from inference.tokenizer import ChatTokenizer

# Sentences of a thought that is remembered in short.
SHORT_THOUGHT = 2
ONE_IMAGE = "[An image was attached; this model cannot see images.]"
IMAGES = "[{} images were attached; this model cannot see images.]"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The window that an answer is made from, the notes in it, and the blocks that are remembered
    but were left out of this one answer."""

    diffusion: Diffusion
    notes: tuple[Note, ...] = ()
    left_out: tuple[Block, ...] = ()

    @property
    def prompt_ids(self) -> tuple[int, ...]:
        return self.diffusion.prompt_ids

    @property
    def messages(self) -> list[ChatMessage]:
        return to_messages(self.diffusion.window)


def prepare(answer: Message, tokenizer: ChatTokenizer, reserved: int = 0) -> Prepared:
    """Build the window for `answer` from its parent's memory, what was said since, and the notes
    of the person, without what the answer is to do without. `reserved` tokens are kept free.

    With memory off the window goes by recency alone and has no notes.

    Raises:
        inference.errors.SystemTextTooLong, MessageTooLong: it cannot fit; it says by how much.
    """
    conversation = answer.conversation
    _catch_up_at_the_beginning(answer, tokenizer)
    window, since = _memory_before(answer)
    for message in since:
        window = admitted(window, message, tokenizer)
    without = answer.generation.left_out or {}
    left_out = _left_out(window, without.get("blocks", ()))
    notes = profile.read_in(conversation, without=without.get("notes", ()))
    kept = tuple(block for block in window.blocks if block not in left_out)
    window = replace(window, blocks=kept, notes=tuple(note.text for note in notes))
    limit = settings.WINDOW_TOKENS - reserved
    diffusion = _diffused(_seen(window), tokenizer, limit, is_on=profile.is_on(conversation))
    shown = tuple(notes[: len(diffusion.window.notes)])
    return Prepared(diffusion, shown, left_out)


def _catch_up_at_the_beginning(answer: Message, tokenizer: ChatTokenizer) -> None:
    """A new conversation knows what was said in the one before."""
    conversation = answer.conversation
    is_first = answer.parent is not None and answer.parent.parent_id is None
    if is_first and not conversation.is_temporary and profile.is_on(conversation):
        carrying.catch_up(conversation.owner, but=conversation.pk, tokenizer=tokenizer)


def _left_out(window: Window, ids: Collection[int]) -> tuple[Block, ...]:
    """What is to be answered can't be left out."""
    asked = newest(window)
    return tuple(block for block in window.blocks if block.id in ids and block.id not in asked)


def _diffused(window: Window, tokenizer: ChatTokenizer, limit: int, *, is_on: bool) -> Diffusion:
    if is_on:
        return diffuse(window, limit, tokenizer)
    needs = {block.id: block.needs for block in window.blocks}
    unread = tuple(replace(block, needs=()) for block in window.blocks)
    diffusion = diffuse(replace(window, blocks=unread), limit, tokenizer)
    # They count again when memory is turned on.
    return replace(diffusion, window=with_needs(diffusion.window, needs))


def _memory_before(answer: Message) -> tuple[Window, list[Message]]:
    """The nearest stored memory above `answer`, and the messages between the two, oldest first."""
    since: list[Message] = []
    message = answer.parent
    while message is not None:
        row = WindowRow.objects.filter(message=message).first()
        if row is not None:
            return from_json(row.blocks), since[::-1]
        if message.parts and readable(message).strip():
            since.append(message)
        message = message.parent
    return Window(system_text=answer.conversation.system_text), since[::-1]


def admitted(window: Window, message: Message, tokenizer: ChatTokenizer) -> Window:
    """The window with a message, its pictures too where the model sees them."""
    name, role = str(message.pk), message.role
    if not _most_images():
        return admit(window, name, role, readable(message), tokenizer)
    images = uploads.references(message)
    return admit(window, name, role, message.text, tokenizer, images=images)


def _most_images() -> int:
    return of_model().images


def _seen(window: Window) -> Window:
    """The window with as many pictures as the model takes, the newest ones; a caption, where there
    is one, stands for each of the others."""
    images = [block for block in window.blocks if block.kind == Kind.IMAGE]
    too_many = {block.id for block in images[: max(0, len(images) - _most_images())]}
    if not too_many:
        return window
    left = (captioned(block) if block.id in too_many else block for block in window.blocks)
    return replace(window, blocks=tuple(block for block in left if block is not None))


def readable(message: Message) -> str:
    """What a model that reads text only is told of a message: in a picture's place, that it is
    there and can't be seen."""
    images = sum(part["type"] == "image" for part in message.parts)
    note = "" if not images else ONE_IMAGE if images == 1 else IMAGES.format(images)
    return "\n".join(filter(None, [note, message.text]))


def save(
    answer: Message,
    prepared: Prepared,
    text: str,
    tokenizer: ChatTokenizer,
    *,
    thought: str = "",
    exchanges: Sequence[Exchange] = (),
) -> None:
    """Store the window `answer` was made from and the memory that goes on from it.

    What was thought goes on as far as the model's profile says.
    """
    shown = prepared.diffusion.window
    # Notes are read anew for each answer; what only this one left out is remembered.
    blocks = sorted((*shown.blocks, *prepared.left_out), key=lambda block: block.id)
    carried = replace(shown, blocks=tuple(blocks), notes=())
    if text.strip() or exchanges:
        thoughts = [left] if (left := _left_of(thought)) else []
        carried = admit(
            carried,
            str(answer.pk),
            answer.role,
            text,
            tokenizer,
            thoughts=thoughts,
            exchanges=exchanges,
        )
    # What a reviewer blacked out where a note was said is so where it is read.
    texts = [note.text for note in prepared.notes]
    redaction.hide_in(answer.conversation_id, texts, redaction.words_in_notes(prepared.notes))
    WindowRow.objects.create(
        message=answer,
        limit_tokens=settings.WINDOW_TOKENS,
        used_tokens=prepared.diffusion.prompt_tokens,
        shown=to_json(shown),
        blocks=to_json(carried),
        changes=[change.to_json() for change in prepared.diffusion.changes],
        notes=[_named(note) for note in prepared.notes],
    )


def _left_of(thought: str) -> str:
    """What of a thought is remembered: all, its last sentences, which it came to, or nothing."""
    match of_model().reasoning_in_window:
        case "kept":
            return thought
        case "shortened":
            return "".join(sentences(thought)[-SHORT_THOUGHT:]).strip()
        case _:
            return ""


def _named(note: Note) -> dict[str, str | None]:
    return {"id": str(note.pk), "source": str(note.source_id) if note.source_id else None}


def carried(answer: UUID) -> Window:
    """The memory that goes on from `answer`; an empty one where it has none, or is gone."""
    row = WindowRow.objects.filter(message=answer).first()
    return from_json(row.blocks) if row else Window("")


@transaction.atomic
def note_needs(answer: UUID, needs: Mapping[int, Sequence[float]]) -> None:
    """Record the log-odds that what the sentences of blocks say will be asked for."""
    row = WindowRow.objects.select_for_update().filter(message=answer).first()
    if row is None:
        return
    row.blocks = to_json(with_needs(from_json(row.blocks), needs))
    row.save(update_fields=["blocks"])


def to_settle(answer: UUID) -> Window:
    """The memory that goes on from `answer`, with the notes that were read beside it.

    An empty one where there is none, or memory is off: the next answer then goes by recency.
    """
    rows = WindowRow.objects.filter(message=answer).select_related("message__conversation__owner")
    row = rows.first()
    if row is None or not profile.is_on(row.message.conversation):
        return Window("")
    return replace(from_json(row.blocks), notes=from_json(row.shown).notes)


@transaction.atomic
def settle(answer: UUID, before: Window, after: Window) -> bool:
    """Have `after` go on from `answer` in the place of `before`, notes aside; says whether it does.

    Where something else goes on from it by now, that stays.
    """
    rows = WindowRow.objects.select_for_update(of=("self",)).filter(message=answer)
    row = rows.select_related("message__conversation").first()
    if row is None or from_json(row.blocks) != replace(before, notes=()):
        return False
    row.blocks = to_json(replace(after, notes=()))
    row.save(update_fields=["blocks"])
    conversation = row.message.conversation
    notices.memory_changed(conversation.owner_id, conversation.pk)
    return True
