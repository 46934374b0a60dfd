"""What a person removes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.chat import turns
from assistant.errors import NotFound
from assistant.library import notices
from assistant.memory import traces
from assistant.models import Conversation, Generation, Image, Message, User
from assistant.models.conversation import owned_by
from assistant.mydata import exports
from assistant.tools import quotes
from learning import intake, queue, wishes


@transaction.atomic
def forget_conversation(person: User, conversation: UUID) -> None:
    """Delete a conversation with all that was derived from it, in learning too.

    An answer that is being made ends with it: its worker finds the row gone. Weights that were
    trained on it before keep what they learned; see people.change_consent.

    Raises:
        NotFound: no such conversation of this person.
    """
    _lock(person.pk)
    every = Conversation.with_deleted.select_for_update()
    row = every.filter(pk=conversation, owner=person).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    _forget(row)


@transaction.atomic
def forget_if(conversation: UUID, *, deleted_before: datetime, idle_since: datetime) -> bool:
    """Forget a conversation that was deleted, or a temporary one that was idle, for long enough.

    Returns:
        Whether it was so; it may have been restored or gone on with, or be gone, by now.
    """
    row = Conversation.with_deleted.filter(pk=conversation).first()
    if row is None:
        return False
    _lock(row.owner_id)
    due = Q(deleted_at__lte=deleted_before) | Q(is_temporary=True, updated_at__lte=idle_since)
    every = Conversation.with_deleted.select_for_update()
    if (due_row := every.filter(due, pk=conversation).first()) is None:
        return False
    _forget(due_row)
    return True


def _forget(row: Conversation) -> None:
    if not row.is_temporary:
        exports.withdraw(row.owner_id)
    _forget_derived(row.owner_id, Message.with_deleted.filter(conversation=row))
    quotes.forget(row.owner_id, [row.pk])
    row.delete()
    transaction.on_commit(queue.ask_catch_up, robust=True)


@transaction.atomic
def delete_message(person: User, message: UUID) -> None:
    """Put a message and all that follows it out of sight; `purge_messages` deletes them.

    Answers that are being made there are stopped.

    Raises:
        NotFound: no such message of this person.
    """
    _lock(person.pk)
    row = Message.objects.filter(owned_by(person), pk=message).first()
    if row is None:
        raise NotFound("There is no such message.")
    below = at_or_below(row)
    still_open = Generation.objects.filter(pk__in=below, status__in=Generation.OPEN)
    for answer in still_open.values_list("pk", flat=True):
        turns.stop(person, answer=answer)
    Message.objects.filter(pk__in=below).update(deleted_at=timezone.now())
    notices.message_removed(person.pk, row.conversation_id, row.pk)


@transaction.atomic
def restore_message(person: User, message: UUID) -> None:
    """Bring back a message with what was deleted together with it; again, nothing changes.

    Raises:
        NotFound: no such message of this person, or it is gone for good.
    """
    _lock(person.pk)
    row = Message.with_deleted.filter(owned_by(person), pk=message).first()
    if row is None:
        raise NotFound("It can't be brought back any more.")
    if row.deleted_at is not None:
        together = Message.with_deleted.filter(deleted_at=row.deleted_at)
        together.filter(pk__in=at_or_below(row)).update(deleted_at=None)
        notices.message_restored(person.pk, row.conversation_id, row.pk)


def purge_messages(deleted_before: datetime) -> None:
    """Delete for good, with all that was derived from them, what was put out of sight by then."""
    gone = Message.with_deleted.filter(deleted_at__lt=deleted_before)
    owners = gone.values_list("conversation__owner", flat=True).order_by().distinct()
    for owner in list(owners):
        with transaction.atomic():
            _lock(owner)
            exports.withdraw(owner)
            # Restored meanwhile, or gone: only what is still deleted.
            rows = gone.filter(conversation__in=Conversation.with_deleted.filter(owner=owner))
            _purge(owner, Message.with_deleted.filter(pk__in=_with_what_follows(rows)))
            transaction.on_commit(queue.ask_catch_up, robust=True)


def _purge(owner: int, rows: QuerySet[Message]) -> None:
    _forget_derived(owner, rows)
    images = [
        (part["image"], row.conversation_id)
        for row in rows.filter(parts__contains=[{"type": "image"}])
        for part in row.parts
        if part["type"] == "image"
    ]
    rows.delete()
    for image, conversation in images:
        _forget_image(image, conversation)


def _forget_image(image: str, conversation: UUID) -> None:
    """An image goes with the last message that shows it."""
    shown = Message.with_deleted.filter(
        conversation=conversation, parts__contains=[{"type": "image", "image": image}]
    )
    if not shown.exists():
        Image.objects.filter(pk=image, conversation=conversation).delete()


def _with_what_follows(rows: QuerySet[Message]) -> list[UUID]:
    """Their ids and those of all below: a message may have been said just as the one before it
    was deleted, and goes with it."""
    found = set(rows.values_list("pk", flat=True))
    last = found
    while last:
        below = Message.with_deleted.filter(parent__in=last).values_list("pk", flat=True)
        last = set(below) - found
        found |= last
    return list(found)


def _lock(person: int) -> None:
    """Handing over locks the person's row too, so no answer slips into learning behind this."""
    User.objects.select_for_update(no_key=True).get(pk=person)


def _forget_derived(owner: int, messages: QuerySet[Message]) -> None:
    """What learning has of answers and of what should have been kept, the windows and prompts
    elsewhere that notes of what the person said went into, and what tools quoted of it; the notes
    go with their messages."""
    said = messages.filter(role=Message.Author.USER).values_list("pk", flat=True)
    traces.remove_notes(owner, list(said), with_prompts=True)
    every = list(messages.values_list("pk", flat=True))
    quotes.forget(owner, every)
    wishes.forget_sources(every)
    answers = messages.filter(role=Message.Author.ASSISTANT).values_list("pk", flat=True)
    for answer in answers:
        intake.forget_answer(answer)


def at_or_below(message: Message) -> list[UUID]:
    """Its id and those of all that follows it, on every branch."""
    places = Message.with_deleted.filter(conversation=message.conversation_id)
    below = {message.pk}
    for pk, parent in places.order_by("created_at").values_list("pk", "parent_id"):
        if parent in below:
            below.add(pk)
    return list(below)
