"""\"I told you already\": what was meant is found among what was forgotten, or nothing is taken."""

from __future__ import annotations

import pytest

from assistant.library import deletion
from assistant.memory import forgetting, reminders, wishes
from assistant.models import Message, Window
from inference.diffusion import Block, to_json
from inference.diffusion import Window as Memory
from learning.models import MemoryLesson
from tests import factories
from tests.assistant.memory.test_wishes import change, talk

pytestmark = pytest.mark.django_db


def reminded(text: str, *, still_there: str = "It rains.", **values) -> Message:
    """An answer to this message, which follows one before which what Ada said of her dog and of
    her boat was forgotten."""
    before = talk(**values)
    where = before.conversation
    boat = factories.said(where, "My boat lies in Cebu.", parent=before.parent.parent)
    row = Window.objects.get(message=before)
    row.changes.append(change(7, boat, boat.text))
    row.save()
    asked = factories.said(where, text, parent=before)
    answer = factories.answer(asked, "Sorry.")
    shown = (
        Block(2, str(before.parent_id), "user", still_there, 4),
        Block(8, str(asked.pk), "user", text, 9),
    )
    Window.objects.filter(message=answer).update(shown=to_json(Memory("", shown, 9)))
    return answer


def missed() -> list[int]:
    return [row.said["wanted"] for row in MemoryLesson.objects.all()]


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("I told you already, my dog is called Rex!", 0),
        ("You forgot that Rex is my dog.", 0),
        ("As I said, the boat lies in Cebu.", 7),
        ("Sinabi ko na, nasa Cebu ang boat ko.", 7),
        ("Nakalimutan mo, Rex ang pangalan ng dog ko.", 0),
    ],
)
def test_what_the_words_name_should_have_been_kept(text, block):
    reminders.take_note(reminded(text).pk)

    assert missed() == [block]


def test_what_was_forgotten_just_before_the_reminder_counts_too():
    answer = reminded("I told you, our cat Momo is old!")
    cat = factories.said(answer.conversation, "Our cat Momo is 19.", parent=answer.parent.parent)
    Window.objects.filter(message=answer).update(changes=[change(6, cat, cat.text)])
    row = Window.objects.get(message=answer)
    row.shown["blocks"].insert(0, {**row.shown["blocks"][0], "message": str(cat.parent.parent_id)})
    row.save()

    reminders.take_note(answer.pk)

    assert missed() == [6]


@pytest.mark.parametrize(
    "text",
    [
        "I told you already!",
        "You forgot the semicolon.",
        # Words that stand everywhere say nothing.
        "You forgot that my brother is called that, and he is what he is.",
        # No reminder, though it names something.
        "My dog is called Rex, and my boat lies in Cebu.",
        # Either may be meant.
        "I told you already: the dog Rex, the boat in Cebu.",
    ],
)
def test_where_it_is_unsure_what_is_meant_nothing_is_taken(text):
    reminders.take_note(reminded(text).pk)

    assert missed() == []


def test_what_the_window_still_has_was_not_forgotten():
    answer = reminded(
        "I told you, my dog is called Rex!", still_there="Rex is what my dog is called."
    )

    reminders.take_note(answer.pk)

    assert missed() == []


@pytest.mark.parametrize("values", [{"consent": {"training": False}}, {"is_temporary": True}])
def test_without_consent_or_in_a_temporary_chat_nothing_is_taken(values):
    reminders.take_note(reminded("I told you, my dog is called Rex!", **values).pk)

    assert missed() == []


def test_it_goes_with_the_message_that_said_so():
    answer = reminded("I told you, my dog is called Rex!")
    reminders.take_note(answer.pk)

    forgetting.delete_message(factories.ada(), answer.parent_id)
    at = Message.with_deleted.get(pk=answer.parent_id).deleted_at
    forgetting.purge_messages(at.replace(year=at.year + 1))

    assert missed() == []


def test_it_is_taken_back_where_it_was_forgotten():
    answer = reminded("I told you, my dog is called Rex!")
    reminders.take_note(answer.pk)
    before = answer.parent.parent

    wishes.take_back(factories.ada(), before.pk, 0)

    assert missed() == []


def test_a_conversation_that_is_deleted_meanwhile_reminds_of_nothing():
    answer = reminded("I told you, my dog is called Rex!")
    deletion.delete(factories.ada(), [answer.conversation_id])

    reminders.take_note(answer.pk)

    assert missed() == []


def test_an_answer_that_is_gone_reminds_of_nothing():
    answer = reminded("I told you, my dog is called Rex!")
    answer.delete()

    reminders.take_note(answer.pk)

    assert missed() == []
