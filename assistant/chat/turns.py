"""What a person can ask of a conversation: say something, ask again, stop.

Every function is one transaction and safe to call twice with the same ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from assistant import logs
from assistant.abilities import of_model
from assistant.chat import events
from assistant.chat.wakeups import wake_workers
from assistant.chat.wire import ImagePart, Part, TextPart, Without
from assistant.errors import (
    AnswerNotFinished,
    IdentifierTaken,
    ImagesTooMany,
    MessageEmpty,
    MessageOversize,
    NotFound,
)
from assistant.images import uploads
from assistant.library import titles
from assistant.memory.window import readable
from assistant.models import Conversation, Generation, Message, User
from assistant.models.conversation import owned_by
from inference import routing
from inference.contracts import ChatMessage
from inference.diffusion.prompt import SYSTEM

NOTHING: Mapping[str, Any] = MappingProxyType({})


@transaction.atomic
def send(
    person: User,
    *,
    conversation: UUID,
    parent: UUID | None,
    message: UUID,
    answer: UUID,
    parts: Sequence[Part],
    model: str = "danas",
    sampling: Mapping[str, Any] | None = None,
    is_listed: bool = True,
    is_temporary: bool = False,
    asked: Mapping[str, Any] = NOTHING,
) -> Generation:
    """Store what was said and queue the answer to it; an unknown conversation id begins one.

    `asked` is as `Generation.asked`.

    Raises:
        NotFound: the conversation, the parent or an image is not this person's.
        MessageEmpty, MessageOversize, ImagesTooMany: the content cannot be taken.
        AnswerNotFinished: the parent is still being made.
        IdentifierTaken: an id already names something else.
        inference.errors.UnknownPolicy, PolicyNotServable: no such `model`.
    """
    _check(parts)
    routing.check(person.pk, model)
    if said := Message.with_deleted.filter(pk=message).select_related("conversation").first():
        return _sent_before(person, said, answer)
    found = _conversation(person, conversation, parent)
    where = found or Conversation.objects.create(
        pk=conversation,
        owner=person,
        title=titles.by_rule(_words_of(parts)),
        system_text=settings.SYSTEM_TEXT,
        is_listed=is_listed,
        is_temporary=is_temporary,
    )
    uploads.attach(person, where, _images(parts))
    user_message = Message.objects.create(
        pk=message,
        conversation=where,
        parent=_parent(where, parent),
        role=Message.Author.USER,
        parts=[part.model_dump(mode="json") for part in parts],
    )
    return _queue(user_message, answer, model, sampling, asked=asked)


def complete(
    person: User,
    *,
    answer: UUID,
    chat: Sequence[ChatMessage],
    model: str,
    sampling: Mapping[str, Any],
    asked: Mapping[str, Any] = NOTHING,
) -> Generation:
    """Queue the answer to a request that brings its whole history along, as the API's do.

    One without a system text of its own gets Danas's: what a model's template would put there in
    its place is another assistant's name, and nothing that was trained or gated.

    Only a person's last message is stored as one; the history stays with the generation. All rows
    are written by one statement, since every trip to the database is time to the first token.

    Raises:
        MessageEmpty, MessageOversize, ImagesTooMany: a person's last message cannot be taken.
        IdentifierTaken: `answer` already names something else.
        inference.errors.UnknownPolicy, PolicyNotServable: no such `model`.
    """
    asked_last = next((each for each in reversed(chat) if each.role == Message.Author.USER), None)
    images = asked_last.images if asked_last else ()
    parts: list[Part] = [TextPart(text=asked_last.content if asked_last else "")]
    parts += [ImagePart(image=UUID(image.id)) for image in images]
    _check(parts)
    routing.check(person.pk, model)
    asked_at = timezone.now()
    said = Message(
        conversation=Conversation(owner=person, is_listed=False),
        role=Message.Author.USER,
        parts=[part.model_dump(mode="json") for part in parts],
        created_at=asked_at,
    )
    message = Message(
        pk=answer,
        conversation=said.conversation,
        parent=said,
        role=Message.Author.ASSISTANT,
        # Messages are read in the order of their times.
        created_at=asked_at + timedelta(microseconds=1),
    )
    generation = Generation(
        message=message,
        model=model,
        sampling=dict(sampling),
        chat=[each.to_json() for each in _instructed(chat)],
        asked=dict(asked),
        created_at=asked_at,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(_QUEUE_REQUEST, _request_row(generation, said))
    except IntegrityError:
        raise IdentifierTaken(f"The id {answer} is already used for another message.") from None
    shown = [UUID(image.id) for each in chat for image in each.images]
    if shown:
        uploads.attach(person, said.conversation, shown)
    transaction.on_commit(lambda: wake_workers(answer))
    return generation


def _instructed(chat: Sequence[ChatMessage]) -> list[ChatMessage]:
    if any(each.role == SYSTEM for each in chat):
        return list(chat)
    return [ChatMessage(SYSTEM, settings.SYSTEM_TEXT), *chat]


_QUEUE_REQUEST = """
    WITH conversation AS (
        INSERT INTO assistant_conversation
               (id, owner_id, title, system_text, is_listed, is_temporary, created_at, updated_at)
        VALUES (%(conversation)s, %(owner)s, '', '', false, false, %(asked_at)s, %(asked_at)s)
    ), messages AS (
        INSERT INTO assistant_message (id, conversation_id, parent_id, role, parts, created_at)
        VALUES (%(said)s, %(conversation)s, NULL, 'user', %(parts)s, %(asked_at)s),
               (%(answer)s, %(conversation)s, %(said)s, 'assistant', '[]', %(answer_at)s)
    )
    INSERT INTO assistant_generation
           (message_id, status, model, policy, digest, sampling, chat, asked, worker, last_seq,
            stop_requested, error_code, request_id, created_at)
    VALUES (%(answer)s, 'queued', %(model)s, '', '', %(sampling)s, %(chat)s, %(asked)s, '', 0,
            false, '', %(request_id)s, %(asked_at)s)
"""


def _request_row(generation: Generation, said: Message) -> dict[str, Any]:
    message = generation.message
    return {
        "conversation": message.conversation.pk,
        "owner": message.conversation.owner_id,
        "said": said.pk,
        "parts": Jsonb(said.parts),
        "answer": message.pk,
        "answer_at": message.created_at,
        "asked_at": generation.created_at,
        "model": generation.model,
        "sampling": Jsonb(generation.sampling),
        "chat": Jsonb(generation.chat),
        "asked": Jsonb(generation.asked),
        "request_id": logs.current(),
    }


@transaction.atomic
def regenerate(
    person: User,
    *,
    parent: UUID,
    answer: UUID,
    model: str = "danas",
    with_memory: bool = True,
    without: Without = Without(),  # noqa: B008
    asked: Mapping[str, Any] = NOTHING,
) -> Generation:
    """Queue one more answer to the user message `parent`, a sibling of those it has.

    Without memory the policy sees that message alone, and nothing of what was said before; what is
    named in `without` it does not see this one time.

    Raises:
        NotFound: no such message of this person.
        IdentifierTaken: `answer` already names something else.
        inference.errors.UnknownPolicy, PolicyNotServable: no such `model`.
    """
    routing.check(person.pk, model)
    user_message = (
        Message.objects.filter(owned_by(person), pk=parent, role=Message.Author.USER)
        .select_related("conversation")
        .first()
    )
    if user_message is None:
        raise NotFound("There is no such message.")
    if made := Message.with_deleted.filter(pk=answer).first():
        if made.parent_id != user_message.pk:
            raise IdentifierTaken(f"The id {answer} is already used for another message.")
        return made.generation
    user_message.conversation.save(update_fields=["updated_at"])
    chat = None if with_memory else _alone(user_message)
    left_out = without.model_dump(mode="json") if without != Without() else None
    return _queue(user_message, answer, model, None, chat, left_out, asked)


def _alone(message: Message) -> list[dict[str, str]]:
    system = {"role": "system", "content": message.conversation.system_text}
    return [system, {"role": message.role, "content": readable(message)}]


@transaction.atomic
def stop(person: User, *, answer: UUID) -> None:
    """Stop an answer; what was made so far stays. Stopping a finished one does nothing.

    Raises:
        NotFound: no such answer of this person.
    """
    generation = (
        Generation.objects.select_for_update(of=("self",))
        .filter(owned_by(person, "message__conversation"), pk=answer)
        .first()
    )
    if generation is None:
        raise NotFound("There is no such answer.")
    if generation.status == Generation.Status.QUEUED:
        events.settle(generation, Generation.Status.STOPPED)
    elif generation.is_open:
        Generation.objects.filter(pk=answer).update(stop_requested=True)
        transaction.on_commit(lambda: wake_workers(answer))


def _check(parts: Sequence[Part]) -> None:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    images, most = _images(parts), of_model().images
    if not images and not any(text.strip() for text in texts):
        raise MessageEmpty("The message is empty.")
    if most and len(images) > most:
        raise ImagesTooMany(f"This model takes at most {most} images in a message.")
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    if size > settings.MESSAGE_BYTES:
        raise MessageOversize(
            f"The message has {size:,} bytes; at most {settings.MESSAGE_BYTES:,} are taken."
        )


def _images(parts: Sequence[Part]) -> list[UUID]:
    return [part.image for part in parts if isinstance(part, ImagePart)]


def _sent_before(person: User, said: Message, answer: UUID) -> Generation:
    if said.conversation.owner_id != person.pk:
        raise IdentifierTaken(f"The id {said.pk} is already used for another message.")
    generation = Generation.objects.filter(pk=answer, message__parent=said).first()
    if generation is None:
        raise IdentifierTaken(f"The message {said.pk} was sent before, with another answer id.")
    return generation


def _conversation(person: User, pk: UUID, parent: UUID | None) -> Conversation | None:
    """The one to go on with; None where one is to begin."""
    found = Conversation.with_deleted.filter(pk=pk).first()
    if found is None and parent is None:
        return None
    if found is None or found.owner_id != person.pk or found.deleted_at is not None:
        raise NotFound("There is no such conversation.")
    found.save(update_fields=["updated_at"])
    return found


def _words_of(parts: Sequence[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))


def _parent(conversation: Conversation, pk: UUID | None) -> Message | None:
    if pk is None:
        return None
    parent = conversation.messages.filter(pk=pk).select_related("generation").first()
    if parent is None or parent.role != Message.Author.ASSISTANT:
        raise NotFound("There is no such answer in this conversation.")
    if parent.generation.is_open:
        raise AnswerNotFinished("The answer before is still being made; wait for it or stop it.")
    return parent


def _queue(
    user_message: Message,
    answer: UUID,
    model: str,
    sampling: Mapping[str, Any] | None,
    chat: list[dict[str, str]] | None = None,
    left_out: dict[str, Any] | None = None,
    asked: Mapping[str, Any] = NOTHING,
) -> Generation:
    if Message.with_deleted.filter(pk=answer).exists():
        raise IdentifierTaken(f"The id {answer} is already used for another message.")
    message = Message.objects.create(
        pk=answer,
        conversation=user_message.conversation,
        parent=user_message,
        role=Message.Author.ASSISTANT,
    )
    generation = Generation.objects.create(
        message=message,
        model=model,
        sampling=dict(sampling or {}),
        chat=chat,
        left_out=left_out,
        asked=dict(asked),
        request_id=logs.current(),
    )
    transaction.on_commit(lambda: wake_workers(answer))
    return generation
