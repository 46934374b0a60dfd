"""The notes of a person: their budget, their order, and whose they are."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from assistant.errors import MemoryOversize, NotFound, PinsFull
from assistant.library import deletion
from assistant.memory import profile
from assistant.models import Note
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]


def texts(owner) -> list[str]:
    return [note.text for note in Note.objects.filter(owner=owner)]


def test_pinned_notes_are_read_first_and_then_what_is_needed_most():
    ada = factories.ada()
    factories.note(ada, "seldom", need=-1.0)
    factories.note(ada, "pinned", need=-2.0, is_pinned=True)
    factories.note(ada, "often", need=2.0)

    read = profile.read_in(factories.conversation(ada))

    assert [note.text for note in read] == ["pinned", "often", "seldom"]


def test_where_there_is_no_room_the_worst_note_that_is_not_pinned_goes(settings):
    settings.PROFILE_TOKENS = 30
    ada = factories.ada()
    factories.note(ada, "pinned", need=-9.0, tokens=10, is_pinned=True)
    factories.note(ada, "worst", need=-1.0, tokens=8)
    factories.note(ada, "better", need=1.0, tokens=8)

    # "\n- I keep bees." has 6 tokens or so: with 26 there, one has to go, and one is enough.
    added = profile.add(ada, "I keep bees.")

    assert [note.text for note in added.gave_way] == ["worst"]
    assert texts(ada) == ["pinned", "I keep bees.", "better"]


def test_the_same_words_are_the_same_note():
    ada = factories.ada()
    first = profile.add(ada, "I keep bees.").note

    again = profile.add(ada, "I  keep BEES").note

    assert again == first
    assert texts(ada) == ["I keep bees."]


def test_a_note_longer_than_all_notes_may_be_is_refused_with_the_numbers(settings):
    settings.PROFILE_TOKENS = 4

    with pytest.raises(MemoryOversize, match=r"has \d+ tokens; all notes together have 4"):
        profile.add(factories.ada(), "I keep bees and sell their honey.")


def test_pins_take_half_of_the_room_at_most(settings):
    settings.PROFILE_TOKENS = 40
    ada = factories.ada()
    factories.note(ada, tokens=15, is_pinned=True)
    more = factories.note(ada, "more", tokens=6)

    with pytest.raises(PinsFull, match="have 15 of 20 tokens and this one has 6"):
        profile.change(ada, more.pk, is_pinned=True)

    assert not Note.objects.get(pk=more.pk).is_pinned


def test_what_a_person_rewords_is_their_own_and_keeps_where_it_came_from():
    ada = factories.ada()
    said = factories.said(factories.conversation(ada))
    note = factories.note(ada, source=said)

    changed = profile.change(ada, note.pk, text="I like brown rice.")

    assert (changed.kind, changed.source) == (Note.Kind.OWN, said)


def test_a_deleted_note_is_read_no_more_comes_back_and_then_is_gone():
    ada = factories.ada()
    note = factories.note(ada)

    profile.delete(ada, note.pk)
    hidden = texts(ada)
    profile.restore(ada, note.pk)
    back = texts(ada)
    profile.delete(ada, note.pk)
    profile.purge(timezone.now())

    assert (hidden, back) == ([], ["I like rice."])
    assert not Note.with_deleted.exists()
    with pytest.raises(NotFound):
        profile.restore(ada, note.pk)


def test_notes_are_out_of_sight_with_the_message_that_they_came_from():
    ada = factories.ada()
    where = factories.conversation(ada)
    factories.note(ada, source=factories.said(where))

    deletion.delete(ada, [where.pk])
    hidden = texts(ada)
    deletion.restore(ada, [where.pk])

    assert hidden == []
    assert texts(ada) == ["I like rice."]


def test_temporary_chats_and_those_with_memory_off_read_no_notes():
    ada = factories.ada()
    factories.note(ada)
    temporary = factories.conversation(ada, is_temporary=True)
    silent = factories.conversation(ada, uses_memory=False)

    assert profile.read_in(temporary) == profile.read_in(silent) == []
    profile.switch(ada, False)
    assert profile.read_in(factories.conversation(factories.ada())) == []


def test_what_was_said_while_memory_was_off_is_not_looked_through_later():
    ada = factories.ada()
    where = factories.conversation(ada)
    profile.switch(ada, False)

    profile.switch(ada, True)

    where.refresh_from_db()
    assert where.carried_at > where.updated_at - timedelta(seconds=1)


def test_somebody_elses_note_is_not_there():
    note = factories.note(factories.ada())

    for act in (profile.delete, profile.restore):
        with pytest.raises(NotFound):
            act(factories.cy(), note.pk)
    with pytest.raises(NotFound):
        profile.change(factories.cy(), note.pk, is_pinned=True)
    with pytest.raises(NotFound):
        profile.delete(factories.ada(), uuid4())
