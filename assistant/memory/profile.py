"""What is known of a person beyond one conversation: notes under one budget, theirs to change.

Whoever changes notes locks the person, so that two at once can't overfill the profile. Where there
is no room the worst unpinned note goes; pinned ones hold half of the room at most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.errors import MemoryOversize, NotFound, PinsFull
from assistant.library import notices
from assistant.memory import statements, traces
from assistant.models import Conversation, Message, Note, User
from assistant.tokens import tokenizer
from assistant.tools import quotes
from inference.diffusion.window import Tokenizer

# What a person wrote is as good as asked for: log-odds of a chance of 95 %.
OWN_NEED = 3.0
PINNED_SHARE = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a person that may become a note."""

    text: str
    kind: Note.Kind
    source: Message
    need: float


@dataclass(frozen=True, slots=True)
class Added:
    """A note that was added, and those that gave way to it."""

    note: Note
    gave_way: Sequence[Note]


def pinned_limit() -> int:
    return settings.PROFILE_TOKENS // PINNED_SHARE


def is_on(conversation: Conversation) -> bool:
    """Whether answers in this conversation use memory: the person's switch, and the chat's own."""
    return conversation.uses_memory and conversation.owner.uses_memory


def read_in(conversation: Conversation, without: Collection[str] = ()) -> list[Note]:
    """The notes that an answer in this conversation reads, but for those with ids in `without`."""
    if conversation.is_temporary or not is_on(conversation):
        return []
    notes = Note.objects.filter(owner=conversation.owner_id)
    return [note for note in notes if str(note.pk) not in without]


def find(person: User, text: str) -> Note | None:
    """The note in these words, capitals and punctuation aside."""
    return _find(_standing(person), text)


@transaction.atomic
def switch(person: User, is_on: bool) -> User:
    """Turn memory on or off, for all conversations."""
    person = _locked(person)
    if is_on and not person.uses_memory:
        # What was said while it was off stays out of the profile.
        Conversation.with_deleted.filter(owner=person).update(carried_at=timezone.now())
    person.uses_memory = is_on
    person.save(update_fields=["uses_memory"])
    notices.memory_changed(person.pk)
    return person


@transaction.atomic
def add(person: User, text: str) -> Added:
    """Add a note in the person's own words. In the words of one that is there, it is that one.

    Raises:
        MemoryOversize: longer than the profile.
        ModelNotThere: tokens can't be counted.
    """
    person = _locked(person)
    if (known := _find(_standing(person), text)) is not None:
        return Added(known, [])
    note = Note(owner=person, text=text, kind=Note.Kind.OWN, need=OWN_NEED)
    _measure(note)
    note.save()
    gone = _make_room(person, keeping=note)
    notices.memory_changed(person.pk)
    return Added(note, gone)


@transaction.atomic
def change(
    person: User, pk: UUID, *, text: str | None = None, is_pinned: bool | None = None
) -> Note:
    """Word a note differently, which makes it the person's own, or pin it.

    Raises:
        NotFound: no such note of this person.
        MemoryOversize, ModelNotThere: as `add`.
        PinsFull: the pinned ones would have more than half of the room.
    """
    person = _locked(person)
    note = _mine(person, pk)
    if text is not None and text != note.text:
        note.text, note.kind, note.need = text, Note.Kind.OWN, OWN_NEED
        _measure(note)
    if is_pinned is not None:
        note.is_pinned = is_pinned
    if note.is_pinned:
        _check_pins(person, note)
    note.save()
    _make_room(person, keeping=note)
    notices.memory_changed(person.pk)
    return note


@transaction.atomic
def delete(person: User, pk: UUID) -> None:
    """Put a note out of sight; `purge` deletes it after the time to undo.

    Raises:
        NotFound: no such note of this person.
    """
    note = _mine(_locked(person), pk)
    Note.objects.filter(pk=note.pk).update(deleted_at=timezone.now())
    notices.memory_changed(person.pk)


@transaction.atomic
def restore(person: User, pk: UUID) -> Note:
    """Bring back a note that was deleted; one that was not stays as it is.

    Raises:
        NotFound: no such note of this person, or it is gone for good.
    """
    person = _locked(person)
    if not Note.with_deleted.filter(owner=person, pk=pk).update(deleted_at=None):
        raise NotFound("It can't be brought back any more.")
    note = _mine(person, pk)
    _make_room(person, keeping=note)
    notices.memory_changed(person.pk)
    return note


def purge(deleted_before: datetime) -> None:
    """Delete for good what was deleted by then, wherever else it stands."""
    for note in Note.with_deleted.filter(deleted_at__lte=deleted_before).select_related("owner"):
        with transaction.atomic():
            _locked(note.owner)
            # Restored meanwhile, it stays.
            row = Note.with_deleted.filter(pk=note.pk, deleted_at__lte=deleted_before)
            if row.exists():
                is_own = note.kind == Note.Kind.OWN
                traces.remove_notes(note.owner_id, [note.pk], with_prompts=is_own)
                quotes.forget(note.owner_id, [note.pk])
                row.delete()


def take_in(person: User, candidates: Iterable[Candidate], tokenizer: Tokenizer) -> list[Note]:
    """Make notes of sentences, in the order in which they were said, as far as there is room.

    Call it in a transaction, with the person locked. What is known in the same words is skipped,
    and what was deleted a moment ago; what a sentence replaces goes, unless it is pinned or in the
    person's own hand.

    Returns:
        The notes that are new and stayed.
    """
    made = []
    for candidate in candidates:
        if _find(Note.with_deleted.filter(owner=person), candidate.text) is not None:
            continue
        replaced = [
            note.pk
            for note in _standing(person)
            if not note.is_pinned
            and note.kind != Note.Kind.OWN
            and statements.replaces(candidate.text, note.text)
        ]
        Note.objects.filter(pk__in=replaced).delete()
        note = Note(
            owner=person,
            text=candidate.text,
            kind=candidate.kind,
            source=candidate.source,
            need=candidate.need,
            tokens=_tokens(candidate.text, tokenizer),
        )
        if note.tokens <= settings.PROFILE_TOKENS:
            note.save()
            made.append(note)
    gone = {note.pk for note in _make_room(person)}
    if made:
        notices.memory_changed(person.pk)
    return [note for note in made if note.pk not in gone]


def forget_person(person: User) -> None:
    """Delete all notes at once; call it in the transaction that deletes all conversations."""
    Note.with_deleted.filter(owner=person).delete()
    notices.memory_changed(person.pk)


def _standing(person: User) -> Sequence[Note]:
    return list(Note.objects.filter(owner=person))


def _mine(person: User, pk: UUID) -> Note:
    note = Note.objects.filter(owner=person, pk=pk).first()
    if note is None:
        raise NotFound("There is no such note.")
    return note


def _locked(person: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _find(notes: Iterable[Note], text: str) -> Note | None:
    words = statements.plain(text)
    return next((note for note in notes if statements.plain(note.text) == words), None)


def _tokens(text: str, tokenizer: Tokenizer) -> int:
    """With the mark and the line break that a note stands between."""
    return tokenizer.counts([f"\n- {text}"])[0]


def _measure(note: Note) -> None:
    note.tokens = _tokens(note.text, tokenizer())
    if note.tokens > settings.PROFILE_TOKENS:
        raise MemoryOversize(
            f"The note has {note.tokens:,} tokens; all notes together have"
            f" {settings.PROFILE_TOKENS:,}."
        )


def _check_pins(person: User, note: Note) -> None:
    pinned = [each.tokens for each in _standing(person) if each.is_pinned and each.pk != note.pk]
    if sum(pinned) + note.tokens > pinned_limit():
        raise PinsFull(
            f"Pinned notes have {sum(pinned):,} of {pinned_limit():,} tokens and this one has"
            f" {note.tokens:,}. Unpin another one first."
        )


def _make_room(person: User, keeping: Note | None = None) -> list[Note]:
    """Delete the worst unpinned notes until the rest fits; `keeping` is not among them."""
    notes = _standing(person)
    excess = sum(note.tokens for note in notes) - settings.PROFILE_TOKENS
    gone: list[Note] = []
    for note in reversed(notes):
        if excess <= 0:
            break
        if not note.is_pinned and (keeping is None or note.pk != keeping.pk):
            gone.append(note)
            excess -= note.tokens
    Note.objects.filter(pk__in=[note.pk for note in gone]).delete()
    return gone


def describe(note: Note) -> dict[str, Any]:
    """A note as the API tells it."""
    return {
        "id": note.pk,
        "text": note.text,
        "kind": note.kind,
        "is_pinned": note.is_pinned,
        "tokens": note.tokens,
        "source": note.source_id,
        "conversation": note.source.conversation_id if note.source else None,
        "title": note.source.conversation.title if note.source else "",
        "created_at": note.created_at,
        "changed_at": note.changed_at,
    }
