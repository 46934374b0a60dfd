"""What gets from a conversation into the profile, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assistant import tasks
from assistant.library import branching
from assistant.memory import carrying, profile
from assistant.models import Conversation, Message, Note, Window
from inference.diffusion import Block, to_json
from inference.diffusion import Window as Memory
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
# Log-odds: a chance of 88 %, and one of 2 %.
LIKELY, UNLIKELY = 2.0, -4.0
Said = tuple[str, Sequence[float]]


def talk(*said: Said, answer: str = "I see.", **values: Any) -> Conversation:
    """Each thing said, with the log-odds of its sentences, and an answer; the last one's memory
    holds all of it."""
    where = factories.conversation(values.pop("owner", None) or factories.ada(), **values)
    go_on(where, *said, answer=answer)
    return where


def go_on(where: Conversation, *said: Said, answer: str = "I see.") -> Message:
    last = where.messages.last()
    row = Window.objects.filter(message=last).first() if last else None
    blocks = [Block(**block) for block in row.blocks["blocks"]] if row else []
    for text, needs in said:
        question = factories.said(where, text, last)
        last = factories.answer(question, answer)
        for message, needed in ((question, needs), (last, ())):
            at = len(blocks)
            blocks.append(Block(at, str(message.pk), message.role, message.text, 9, needs=needed))
    memory = Memory(where.system_text, tuple(blocks), len(blocks))
    Window.objects.filter(message=last).update(blocks=to_json(memory))
    where.save(update_fields=["updated_at"])
    return last


def carried(where: Conversation, tokenizer, *, is_over: bool = True) -> list[str]:
    return [note.text for note in carrying.carry(where.pk, tokenizer, is_over=is_over)]


def texts() -> set[str]:
    return set(Note.objects.values_list("text", flat=True))


def test_what_a_person_says_of_themselves_and_will_be_asked_for_is_kept(tokenizer):
    where = talk(
        ("I have two cats. Nice day today!", (LIKELY, LIKELY)),
        ("I saw a bus. What are tides?", (UNLIKELY, LIKELY)),
    )

    kept = carried(where, tokenizer)

    assert kept == ["I have two cats."]
    note = Note.objects.get()
    assert (note.owner, note.kind, note.need) == (factories.ada(), "fact", LIKELY)
    assert note.source.text.startswith("I have two cats.")


def test_looking_twice_finds_nothing_more_and_brings_no_deleted_note_back(tokenizer):
    where = talk(("I have two cats.", (LIKELY,)))
    carried(where, tokenizer)
    profile.delete(factories.ada(), Note.objects.get().pk)
    profile.purge(timezone.now())

    go_on(where, ("I play the piano.", (LIKELY,)))

    assert carried(where, tokenizer) == ["I play the piano."]
    assert carried(where, tokenizer) == []
    assert texts() == {"I play the piano."}


def test_what_is_known_in_the_same_words_is_not_kept_twice(tokenizer):
    carried(talk(("I have two cats.", (LIKELY,))), tokenizer)

    again = carried(talk(("I have TWO cats!", (LIKELY,))), tokenizer)

    assert again == []
    assert texts() == {"I have two cats."}


def test_what_is_said_later_takes_the_place_of_what_it_contradicts(tokenizer):
    carried(talk(("I live in Manila.", (LIKELY,))), tokenizer)

    carried(talk(("I moved to Cebu.", (LIKELY,))), tokenizer)

    assert texts() == {"I moved to Cebu."}


def test_what_a_person_pinned_or_wrote_is_left_to_them(tokenizer):
    factories.note(factories.ada(), "I live in Manila.", is_pinned=True)
    factories.note(factories.ada(), "I work at a bank.", kind=Note.Kind.OWN)

    carried(talk(("I moved to Cebu. I work at a school.", (LIKELY, LIKELY))), tokenizer)

    assert texts() == {
        "I live in Manila.",
        "I work at a bank.",
        "I moved to Cebu.",
        "I work at a school.",
    }


def test_neither_answers_nor_what_was_copied_from_them_nor_pasted_is_kept(tokenizer):
    pasted = "I was born in a small town by the sea. " + "The waves were high that day. " * 70
    where = talk(
        ("I like the sea very much.", (LIKELY,)),
        (pasted, (LIKELY,) * 71),
        answer="I like the sea very much.",
    )

    assert carried(where, tokenizer) == []


def test_one_message_makes_three_notes_at_most(tokenizer):
    text = "I have a cat. I play chess. I sell honey. I teach maths. I grew up abroad."
    where = talk((text, (0.5, 3.0, 2.0, 1.0, 0.1)))

    assert carried(where, tokenizer) == ["I play chess.", "I sell honey.", "I teach maths."]


@pytest.mark.parametrize("values", [{"is_temporary": True}, {"uses_memory": False}])
def test_nothing_is_kept_of_a_temporary_chat_or_with_memory_off(tokenizer, values):
    where = talk(("I have two cats.", (LIKELY,)), **values)

    assert carried(where, tokenizer) == []


def test_nothing_is_kept_for_who_turned_memory_off(tokenizer):
    where = talk(("I have two cats.", (LIKELY,)))
    profile.switch(factories.ada(), False)

    assert carried(where, tokenizer) == []


def test_what_nobody_has_read_yet_waits(tokenizer):
    where = talk(("I have two cats.", (LIKELY,)), ("I play chess.", ()))

    first = carried(where, tokenizer, is_over=False)
    row = Window.objects.get(message=where.messages.last())
    row.blocks["blocks"][2]["needs"] = [LIKELY]
    row.save()

    assert first == ["I have two cats."]
    assert carried(where, tokenizer, is_over=False) == ["I play chess."]


def test_a_task_looks_through_what_has_been_idle(settings):
    idle, lively = talk(("I have two cats.", (LIKELY,))), talk(("I play chess.", (LIKELY,)))
    Conversation.objects.filter(pk=idle.pk).update(
        updated_at=timezone.now() - carrying.IDLE - timedelta(minutes=1)
    )

    tasks.carry_over()

    assert texts() == {"I have two cats."}
    assert lively.pk not in carrying.idle()
    assert carrying.idle() == []


def test_a_copy_of_a_conversation_tells_nothing_that_the_original_has_told(tokenizer):
    where = talk(("I have two cats.", (LIKELY,)))
    made = branching.branch_off(factories.ada(), where.messages.last().pk)

    assert carried(made, tokenizer) == []


def test_the_profile_stays_within_its_budget(settings, tokenizer):
    settings.PROFILE_TOKENS = 24
    things = ["cats", "dogs", "birds", "bikes", "boats", "books", "maps"]
    for need, thing in enumerate(things):
        carried(talk((f"I have some {thing}.", (float(need),))), tokenizer)

    # The needs rise, so it is the last ones that stayed.
    kept = Note.objects.all()
    assert sum(note.tokens for note in kept) <= 24
    assert [note.text for note in kept] == [
        f"I have some {thing}." for thing in reversed(things[-len(kept) :])
    ]
    assert len(kept) >= 2
