"""Where notes of a profile stand besides the profile: windows of answers that read them, and the
prompts of those answers.

A window names the notes that it shows, with the messages that these came from, so that what is
deleted is found there even when the note itself has given way since.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from assistant.models import Trajectory, Window
from learning import intake

_HOLDING = """
    SELECT w.message_id FROM assistant_window w
      JOIN assistant_message m ON m.id = w.message_id
      JOIN assistant_conversation c ON c.id = m.conversation_id AND c.owner_id = %(owner)s
     WHERE w.notes <> '[]' AND EXISTS (
        SELECT FROM jsonb_to_recordset(w.notes) AS note (id uuid, source uuid)
         WHERE note.id = ANY(%(ids)s::uuid[]) OR note.source = ANY(%(ids)s::uuid[]))
"""


def remove_notes(owner: int, ids: Collection[UUID], *, with_prompts: bool) -> None:
    """Take the notes with these ids, or from these messages, out of every window of a person.

    `with_prompts` is for what is to be nowhere any more: the record of what such an answer was
    made from is then deleted, and learning forgets the answer. What it says stays.
    """
    known = {str(pk) for pk in ids}
    for row in Window.objects.filter(pk__in=holding(owner, ids)):
        kept = [
            (note, text)
            for note, text in zip(row.notes, row.shown["notes"], strict=True)
            if not known & {note["id"], note["source"]}
        ]
        row.notes = [note for note, _ in kept]
        row.shown["notes"] = [text for _, text in kept]
        row.save(update_fields=["notes", "shown"])
        if with_prompts:
            Trajectory.objects.filter(pk=row.pk).delete()
            intake.forget_answer(row.pk)


def holding(owner: int, ids: Collection[UUID]) -> list[UUID]:
    """Windows of a person that show a note with one of these ids, or from one of these messages."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING, {"owner": owner, "ids": list(ids)})
        return [pk for (pk,) in cursor.fetchall()]
