"""A conversation as a file: Markdown for people, JSON with everything for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from assistant.models import Conversation, Message

NAMES = {"user": "You", "assistant": "Danas", "system": "Instructions"}


def as_json(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """All branches: `parent` makes the messages a tree. `messages` are the oldest first."""
    return {
        "id": str(conversation.pk),
        "title": conversation.title,
        "system_text": conversation.system_text,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "messages": [_message(message) for message in messages],
    }


def as_markdown(
    conversation: Conversation, messages: Sequence[Message], *, images: str = "/v1/images/{}"
) -> str:
    """The branch with the newest message first, then what the others have in addition.

    `images` says where an image lies, with its id in place of the braces.
    """
    known = {message.pk: message for message in messages}
    numbers: dict[UUID, int] = {}
    title = conversation.title or "Conversation"
    blocks = [f"# {title}", f"{conversation.created_at:%Y-%m-%d %H:%M} UTC"]
    for branch in _branches(messages):
        path = _path(known, branch)
        fresh = [message for message in path if message.pk not in numbers]
        if numbers:
            parent = fresh[0].parent_id
            after = f"after message {numbers[parent]}" if parent else "from the beginning"
            blocks.append(f"## Another branch, {after}")
        for message in fresh:
            numbers[message.pk] = len(numbers) + 1
            blocks += [_heading(message, numbers[message.pk]), _body(message, images)]
    return "\n\n".join(blocks) + "\n"


def _message(message: Message) -> dict[str, Any]:
    generation = getattr(message, "generation", None)
    return {
        "id": str(message.pk),
        "parent": str(message.parent_id) if message.parent_id else None,
        "role": message.role,
        "parts": message.parts,
        "created_at": message.created_at.isoformat(),
        "policy": generation.policy if generation else "",
        "status": generation.status if generation else "",
    }


def _branches(messages: Sequence[Message]) -> list[Message]:
    """The last messages of all branches, the newest first."""
    children: dict[UUID | None, int] = defaultdict(int)
    for message in messages:
        children[message.parent_id] += 1
    leaves = [message for message in messages if not children[message.pk]]
    return sorted(leaves, key=lambda leaf: leaf.created_at, reverse=True)


def _path(known: dict[UUID, Message], leaf: Message) -> list[Message]:
    path, step = [], leaf
    while True:
        path.append(step)
        if step.parent_id is None or step.parent_id not in known:
            return path[::-1]
        step = known[step.parent_id]


def _heading(message: Message, number: int) -> str:
    generation = getattr(message, "generation", None)
    by = f" ({generation.policy})" if generation and generation.policy else ""
    return f"### {number}. {NAMES[message.role]}{by}, {message.created_at:%Y-%m-%d %H:%M}"


def _body(message: Message, images: str) -> str:
    parts = (
        part["text"] if part["type"] == "text" else f"![Image]({images.format(part['image'])})"
        for part in message.parts
    )
    return "\n\n".join(parts) or "(nothing)"
