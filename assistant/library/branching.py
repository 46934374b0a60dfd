"""A conversation that begins as a copy of another one's branch, and goes its own way from there.

What is copied is what was said, how each answer was made, and the memory it left. What hangs on the
moment it was made is not: the log, the trajectory and what was judged stay with the original, so
nothing is learned or exported twice. The copies of answers have no log, and can't be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from assistant import files
from assistant.chat import branches
from assistant.chat.views_of import places_of
from assistant.errors import AnswerNotFinished, NotBranchable, NotFound
from assistant.images import uploads
from assistant.library import notices
from assistant.models import Conversation, Message, Redaction, User
from assistant.models.conversation import owned_by

# Times stay, since messages are read in their order and searched by them.
_COPY = """
    WITH copy (id, old, parent) AS (
        SELECT * FROM unnest(%(ids)s::uuid[], %(olds)s::uuid[], %(parents)s::uuid[])
    ), messages AS (
        INSERT INTO assistant_message (id, conversation_id, parent_id, role, parts, created_at)
        SELECT copy.id, %(conversation)s, copy.parent, m.role, m.parts, m.created_at
          FROM copy JOIN assistant_message m ON m.id = copy.old
    ), generations AS (
        INSERT INTO assistant_generation
               (message_id, status, model, policy, digest, sampling, chat, worker, last_seq,
                stop_requested, error_code, request_id, left_out,
                created_at, started_at, finished_at)
        SELECT copy.id, g.status, g.model, g.policy, g.digest, g.sampling, g.chat, '', 0,
               false, g.error_code, '', g.left_out, g.created_at, g.started_at, g.finished_at
          FROM copy JOIN assistant_generation g ON g.message_id = copy.old
    )
    INSERT INTO assistant_window
           (message_id, limit_tokens, used_tokens, shown, blocks, changes, notes, created_at)
    SELECT copy.id, w.limit_tokens, w.used_tokens, w.shown, w.blocks, w.changes, w.notes,
           w.created_at
      FROM copy JOIN assistant_window w ON w.message_id = copy.old
"""


@transaction.atomic
def branch_off(person: User, message: UUID, title: str = "") -> Conversation:
    """Begin a conversation with what was said up to `message`, images included.

    It lies in the same folder, and is called the same where no `title` is given.

    Raises:
        NotFound: no such message of this person.
        NotBranchable: it is part of a temporary chat.
        AnswerNotFinished: it is still being made.
        ImagesTooMany: the images copied would be more than a person may add in a day.
        inference.errors.StorageUnavailable: the images can't be copied.
    """
    leaf = Message.objects.filter(owned_by(person), pk=message)
    row = leaf.select_related("conversation", "generation").first()
    if row is None:
        raise NotFound("There is no such message.")
    if row.conversation.is_temporary:
        raise NotBranchable("Nothing of a temporary chat is kept, so nothing can go on from it.")
    if hasattr(row, "generation") and row.generation.is_open:
        raise AnswerNotFinished("The answer is still being made; wait for it or stop it.")
    made = _conversation_like(row.conversation, title)
    path = branches.path_to(places_of(row.conversation_id), message)
    _copy_images(person, made, _copy(path, made))
    notices.changed(person.pk, [made.pk])
    return made


def _conversation_like(original: Conversation, title: str) -> Conversation:
    titling = Conversation.Titling.PERSON if title else original.titled_by
    made = Conversation.objects.create(
        owner_id=original.owner_id,
        title=title or original.title,
        titled_by=titling,
        system_text=original.system_text,
        is_listed=original.is_listed,
        folder_id=original.folder_id,
        uses_memory=original.uses_memory,
        # Whatever is copied is the original's to tell the profile.
        carried_at=timezone.now(),
    )
    # What a reviewer blacked out there is in the copy too.
    hidden = Redaction.objects.filter(conversation=original, is_undone=False)
    words = hidden.values_list("words", flat=True).distinct()
    Redaction.objects.bulk_create(Redaction(conversation=made, words=each) for each in words)
    return made


def _copy(path: Sequence[UUID], into: Conversation) -> list[UUID]:
    """Copies the messages of a path; returns the ids of the copies."""
    ids = [uuid4() for _ in path]
    values: dict[str, Any] = {
        "ids": ids,
        "olds": list(path),
        "parents": [None, *ids[:-1]],
        "conversation": into.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COPY, values)
    return ids


def _copy_images(person: User, into: Conversation, messages: Sequence[UUID]) -> None:
    """An image belongs to one conversation and goes with it, so each has its own."""
    showing = Message.objects.filter(pk__in=messages, parts__contains=[{"type": "image"}])
    copies: dict[str, str] = {}
    with ExitStack() as undo:
        for message in showing:
            for part in message.parts:
                if part["type"] != "image":
                    continue
                if part["image"] not in copies:
                    copied = uploads.copy(person, UUID(part["image"]), into)
                    # Its row goes with the transaction if the next one can't be copied.
                    undo.callback(files.shelf().delete, copied.address)
                    copies[part["image"]] = str(copied.pk)
                part["image"] = copies[part["image"]]
            message.save(update_fields=["parts"])
        undo.pop_all()
