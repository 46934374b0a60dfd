"""The memory of a conversation: which window an answer is made from, and what is carried on.

The state is the row of the answer before; `inference.diffusion` decides, this module reads and
writes. Reading back in time ends at the nearest ancestor with a row, so the cost of a turn does
not grow with the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from assistant.models import Message
from assistant.models import Window as WindowRow
from inference.diffusion import (
    Diffusion,
    Window,
    admit,
    diffuse,
    from_json,
    importance,
    to_json,
    with_needs,
)
from inference.tokenizer import ChatTokenizer

ONE_IMAGE = "[An image was attached; this model cannot see images.]"
IMAGES = "[{} images were attached; this model cannot see images.]"


def prepare(answer: Message, tokenizer: ChatTokenizer) -> Diffusion:
    """Build the window for `answer` from its parent's memory and what was said since.

    Raises:
        inference.errors.SystemTextTooLong, MessageTooLong: it cannot fit; it says by how much.
    """
    window, since = _memory_before(answer)
    for message in since:
        window = admit(window, str(message.pk), message.role, readable(message), tokenizer)
    return diffuse(window, settings.WINDOW_TOKENS, tokenizer)


def _memory_before(answer: Message) -> tuple[Window, list[Message]]:
    """The nearest stored memory above `answer`, and the messages between the two, oldest first."""
    since: list[Message] = []
    message = answer.parent
    while message is not None:
        row = WindowRow.objects.filter(message=message).first()
        if row is not None:
            return from_json(row.blocks), since[::-1]
        if readable(message).strip():
            since.append(message)
        message = message.parent
    return Window(system_text=answer.conversation.system_text), since[::-1]


def readable(message: Message) -> str:
    """What a model that reads text only is told of a message: in a picture's place, that it is
    there and can't be seen."""
    images = sum(part["type"] == "image" for part in message.parts)
    note = "" if not images else ONE_IMAGE if images == 1 else IMAGES.format(images)
    return "\n".join(filter(None, [note, message.text]))


def save(answer: Message, prepared: Diffusion, text: str, tokenizer: ChatTokenizer) -> None:
    """Store the window `answer` was made from and the memory that goes on from it."""
    carried = prepared.window
    if text.strip():
        carried = admit(carried, str(answer.pk), answer.role, text, tokenizer)
    WindowRow.objects.create(
        message=answer,
        limit_tokens=settings.WINDOW_TOKENS,
        used_tokens=prepared.prompt_tokens,
        shown=to_json(prepared.window),
        blocks=to_json(carried),
        changes=[change.to_json() for change in prepared.changes],
    )


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


def describe(row: WindowRow) -> dict[str, Any]:
    """The window of one answer, for people."""
    window = from_json(row.shown)
    weights = importance(window)
    return {
        "limit_tokens": row.limit_tokens,
        "used_tokens": row.used_tokens,
        "system_text": window.system_text,
        "blocks": [
            {
                "role": block.role,
                "text": block.text,
                "tokens": block.tokens,
                "importance": round(weights[block.id], 3),
                "rewrites": block.rewrites,
                "verbatim": block.is_verbatim,
            }
            for block in window.blocks
        ],
        "changes": row.changes,
    }
