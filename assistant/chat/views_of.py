"""Rows as one reader may see them: wire values for the socket and the HTTP API alike."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Prefetch

from assistant.chat.branches import Place
from assistant.chat.wire import (
    AnswerState,
    ConversationOut,
    FeedbackOut,
    MessageOut,
    ReminderOut,
    Turn,
)
from assistant.models import Conversation, Feedback, Generation, Message, Reminder, User
from assistant.models.conversation import owned_by
from assistant.tools import reminders


def conversation_out(conversation: Conversation) -> ConversationOut:
    return ConversationOut(
        id=conversation.pk,
        title=conversation.title,
        is_pinned=conversation.is_pinned,
        is_archived=conversation.is_archived,
        is_temporary=conversation.is_temporary,
        uses_memory=conversation.uses_memory,
        folder=conversation.folder_id,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )


def conversations_out(person: User, ids: Iterable[UUID]) -> list[ConversationOut]:
    """Those of them that are this person's."""
    return [
        conversation_out(row) for row in Conversation.objects.filter(owner=person, pk__in=list(ids))
    ]


def messages_out(messages: Iterable[Message]) -> list[MessageOut]:
    """Messages that came from `readable_by`."""
    return [message_out(message) for message in messages]


def readable_by(person: User, **where: object) -> Iterable[Message]:
    """This person's messages with their generations and the person's own feedback, oldest first."""
    mine = Feedback.objects.filter(person=person, revoked_at=None)
    return (
        Message.objects.filter(owned_by(person), **where)
        .select_related("generation")
        .prefetch_related(Prefetch("feedback", queryset=mine, to_attr="own_feedback"))
        .order_by("created_at", "role")
    )


def places_of(conversation: UUID) -> list[Place]:
    """Where its messages are in its tree, oldest first."""
    rows = Message.objects.filter(conversation=conversation).order_by("created_at", "role")
    return [Place(*row) for row in rows.values_list("pk", "parent_id")]


def message_out(message: Message) -> MessageOut:
    generation = getattr(message, "generation", None)
    own: list[Feedback] = getattr(message, "own_feedback", [])
    return MessageOut(
        id=message.pk,
        conversation=message.conversation_id,
        parent=message.parent_id,
        role=message.role,
        parts=message.parts,
        created_at=message.created_at,
        answer=answer_state(generation) if generation else None,
        feedback=[feedback_out(feedback) for feedback in own],
    )


def answer_state(generation: Generation) -> AnswerState:
    return AnswerState(
        status=generation.status,
        last_seq=generation.last_seq,
        model=generation.model,
        policy=generation.policy,
        error_code=generation.error_code,
        can_retry=generation.status in {"failed", "interrupted", "stopped"},
        left_out=sum(len(ids) for ids in (generation.left_out or {}).values()),
    )


def feedback_out(feedback: Feedback) -> FeedbackOut:
    return FeedbackOut(
        id=feedback.pk,
        kind=feedback.kind,
        text=feedback.text,
        over=feedback.over_id,
        tags=feedback.tags,
        reward_version=feedback.reward_version,
    )


def turn(person: User, conversation: UUID, messages: Iterable[UUID]) -> Turn | None:
    """What watchers are told of a turn; None when it is not (or no longer) this person's."""
    where = Conversation.objects.filter(pk=conversation, owner=person).first()
    if where is None:
        return None
    rows = readable_by(person, pk__in=list(messages))
    return Turn(conversation=conversation_out(where), messages=messages_out(rows))


def reminders_out(person: User) -> list[ReminderOut]:
    """All of this person's, the earliest first."""
    return [reminder_out(row) for row in reminders.listed(person)]


def reminder_out(row: Reminder) -> ReminderOut:
    return ReminderOut(
        id=row.pk,
        text=row.text,
        due_at=row.due_at,
        fired_at=row.fired_at,
        conversation=row.conversation_id,
    )
