"""People and rows for tests: Ada owns things, Ben is her guest, Cy is a stranger to both.

Rae reviews, Rho researches, Ann administers. The first call makes a person, later ones find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from django.utils import timezone

from assistant.accounts import keys, people
from assistant.models import (
    Conversation,
    Feedback,
    Generation,
    GenerationEvent,
    Image,
    Message,
    Note,
    Reminder,
    ReviewItem,
    Role,
    ToolCall,
    Trajectory,
    User,
    Window,
)
from assistant.review import claims, items
from inference.diffusion.window import Block, to_json
from inference.diffusion.window import Window as Memory
from learning.contracts import FeedbackKind

PASSWORD = "a long walk by the sea"


def person(
    name: str,
    role: str = Role.MEMBER,
    *,
    training: bool | None = True,
    research: bool | None = True,
) -> User:
    found = User.objects.filter(username=name).first()
    return found or people.create(name, PASSWORD, role=role, training=training, research=research)


def ada(**consent: bool | None) -> User:
    return person("ada", **consent)


def ben(**consent: bool | None) -> User:
    return person("ben", **consent)


def cy(**consent: bool | None) -> User:
    return person("cy", **consent)


def rae() -> User:
    return person("rae", Role.REVIEWER)


def rho() -> User:
    return person("rho", Role.RESEARCHER)


def ann() -> User:
    return person("ann", Role.ADMIN)


def caller(who: User, *scopes: str) -> Client:
    """A client that sends an API key of this person with every request."""
    return Client(headers={"Authorization": f"Bearer {keys.create(who, scopes)}"})


def browser(who: User) -> Client:
    """A client that is signed in as this person and checked for CSRF like a browser."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(who)
    return client


def conversation(owner: User, **values: Any) -> Conversation:
    return Conversation.objects.create(
        owner=owner, **{"title": "A walk", "system_text": "You are Danas.", **values}
    )


def said(where: Conversation, text: str = "Hello", parent: Message | None = None) -> Message:
    """A person's message."""
    return Message.objects.create(
        conversation=where, role=Message.Author.USER, parent=parent, parts=parts(text)
    )


def answer(
    to: Message,
    text: str = "Good morning.",
    *,
    status: str = Generation.Status.DONE,
    pk: UUID | None = None,
) -> Message:
    """An answer with its generation; a finished one with its log, trajectory and window."""
    message = Message.objects.create(
        pk=pk or uuid4(),
        conversation=to.conversation,
        parent=to,
        role=Message.Author.ASSISTANT,
        parts=parts(text) if text and status not in Generation.OPEN else [],
    )
    generation = Generation.objects.create(
        message=message, model="danas", policy="base", status=status, finished_at=timezone.now()
    )
    if status in {Generation.Status.DONE, Generation.Status.STOPPED}:
        log(generation, [("start", {"policy": "base"}), ("text", {"text": text}), ("done", {})])
        _record(generation, to)
    return message


def served(owner: User, text: str = "Good morning.", **values: Any) -> Message:
    """A finished answer to this person, in a conversation of its own."""
    return answer(said(conversation(owner, **values)), text)


def feedback(message: Message, kind: str = FeedbackKind.UP, **values: Any) -> Feedback:
    """A row of feedback as it is, without the rules and without learning."""
    return Feedback.objects.create(
        message=message, person=message.conversation.owner, kind=kind, **values
    )


def image(owner: User, **values: Any) -> Image:
    """A row without a file."""
    facts = {"media_type": "image/png", "width": 8, "height": 4, "bytes": 100, "sha256": "0" * 64}
    return Image.objects.create(owner=owner, **{**facts, **values})


def note(owner: User, text: str = "I like rice.", **values: Any) -> Note:
    """A line of this person's profile as it is, without the rules."""
    facts = {"kind": Note.Kind.PREFERENCE, "need": 1.0, "tokens": 6}
    return Note.objects.create(owner=owner, text=text, **{**facts, **values})


def reminder(owner: User, text: str = "Water the plants", **values: Any) -> Reminder:
    """A row as it is, due in an hour."""
    due_at = timezone.now() + timedelta(hours=1)
    return Reminder.objects.create(owner=owner, text=text, **{"due_at": due_at, **values})


def tool_call(owner: User, **values: Any) -> ToolCall:
    """A call that waits for its person, in an answer that is being made."""
    making = answer(said(conversation(owner)), status=Generation.Status.RUNNING)
    return tool_call_of(making, state=ToolCall.State.ASKED, **values)


def tool_call_of(message: Message, **values: Any) -> ToolCall:
    """A call of this answer as it is, without the rules."""
    facts = {"call_id": "call_0", "step": 0, "position": 0, "state": ToolCall.State.DONE}
    named = {"key": "notes_add", "name": "notes_add", "arguments": '{"text": "I like tea."}'}
    return ToolCall.objects.create(generation=message.generation, **{**facts, **named, **values})


def review_item(message: Message, **values: Any) -> ReviewItem:
    """An item of the review queue as it is, about feedback of its own."""
    items.make(given := feedback(message, FeedbackKind.COMMENT, text="Too long."))
    until = timezone.now() + claims.LEASE if "holder" in values else None
    rows = ReviewItem.objects.filter(feedback=given)
    rows.update(needs_second=False, lease_until=until, **values)
    return ReviewItem.objects.get(feedback=given)


def log(generation: Generation, entries: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Events of an answer, numbered from 1."""
    for seq, (kind, data) in enumerate(entries, start=1):
        GenerationEvent.objects.create(generation=generation, seq=seq, kind=kind, data=data)
    Generation.objects.filter(pk=generation.pk).update(last_seq=len(entries))


def parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _record(generation: Generation, to: Message) -> None:
    Trajectory.objects.create(
        generation=generation,
        messages=[
            {"role": "system", "content": to.conversation.system_text},
            {"role": "user", "content": to.text},
        ],
        prompt_token_ids=[1, 2, 3],
        sampled_token_ids=[4, 5],
        logprobs=[-0.5, -0.25],
        sampling={"temperature": 0.2, "top_p": 0.9, "max_tokens": 512, "seed": None, "stop": []},
        policy="base",
        base_model="embedded",
        finish_reason="stop",
        queued_ms=1.0,
        first_token_ms=20.0,
        total_ms=40.0,
    )
    block = Block(id=0, message=str(to.pk), role=to.role, text=to.text, tokens=3)
    shown = Memory(to.conversation.system_text, (block,), next_id=1)
    Window.objects.create(
        message=generation.message,
        limit_tokens=2048,
        used_tokens=3,
        shown=to_json(shown),
        blocks=to_json(shown),
    )
