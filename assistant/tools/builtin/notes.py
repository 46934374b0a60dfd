"""The notes of the person's profile, as tools. Only their person's yes writes there."""

from __future__ import annotations

from pydantic import Field

from assistant.errors import AssistantError
from assistant.memory import profile
from assistant.models import Note
from assistant.models.note import LONGEST
from assistant.texts import storable
from assistant.tools.builtin.tool import Arguments, Builtin, Use
from assistant.tools.errors import ToolFailed


class Nothing(Arguments):
    """No arguments."""


class NewNote(Arguments):
    text: str = Field(min_length=1, max_length=LONGEST, description="one sentence")


class NoteNamed(Arguments):
    text: str = Field(min_length=1, max_length=LONGEST, description="the note, word for word")


def listed(use: Use, asked: Nothing) -> str:
    notes = list(Note.objects.filter(owner=use.person))
    for note in notes:
        _quote(use, note)
    return "\n".join(f"- {note.text}" for note in notes) or "There are no notes."


def add(use: Use, asked: NewNote) -> str:
    text = " ".join(storable(asked.text).split())
    if not text:
        raise ToolFailed("The note is empty.")
    try:
        added = profile.add(use.person, text)
    except AssistantError as error:
        raise ToolFailed(str(error)) from error
    for note in (added.note, *added.gave_way):
        _quote(use, note)
    gone = "".join(f"\nThere was no more room for: {note.text}" for note in added.gave_way)
    return f"Noted: {added.note.text}{gone}"


def delete(use: Use, asked: NoteNamed) -> str:
    note = profile.find(use.person, asked.text)
    if note is None:
        raise ToolFailed("There is no such note; notes_list says which there are.")
    profile.delete(use.person, note.pk)
    _quote(use, note)
    return f"Deleted: {note.text}"


def _quote(use: Use, note: Note) -> None:
    """It goes with the message that it was taken from, too."""
    use.quoted.update(filter(None, (note.pk, note.source_id)))


TOOLS = (
    Builtin("notes_list", "What is noted about the person.", Nothing, listed, knows=True),
    Builtin(
        "notes_add",
        "Notes something about the person, to be known in all later conversations.",
        NewNote,
        add,
        writes=True,
        knows=True,
    ),
    Builtin("notes_delete", "Deletes a note.", NoteNamed, delete, writes=True, knows=True),
)
