"""What becomes searchable, by the database's own rule."""

from __future__ import annotations

import pytest

from assistant.memory import forgetting
from assistant.models import Message, SearchEntry, SearchMeaning
from tests.factories import ada, answer, conversation, parts, said

pytestmark = pytest.mark.django_db


def test_what_was_said_and_answered_can_be_searched_at_once() -> None:
    question = said(conversation(ada()), "What is rain?")
    reply = answer(question, "Water that falls.")

    entries = {entry.pk: entry for entry in SearchEntry.objects.all()}

    assert entries[question.pk].text == "What is rain?"
    assert entries[reply.pk].role == "assistant"
    assert {entry.owner for entry in entries.values()} == {ada()}
    assert SearchMeaning.objects.filter(vector=None).count() == 2


def test_an_answer_in_the_making_is_not_searched_and_its_text_is_when_it_is_there() -> None:
    question = said(conversation(ada()), "What is rain?")
    reply = answer(question, "", status="running")
    was_there = SearchEntry.objects.filter(pk=reply.pk).exists()

    Message.objects.filter(pk=reply.pk).update(parts=parts("Water."))

    assert not was_there
    assert SearchEntry.objects.get(pk=reply.pk).text == "Water."


def test_a_changed_text_is_searched_as_it_is_now_and_its_meaning_made_again() -> None:
    message = said(conversation(ada()), "What is rain?")
    SearchMeaning.objects.filter(pk=message.pk).update(vector=[1.0] + [0.0] * 255)

    Message.objects.filter(pk=message.pk).update(parts=parts("What is snow?"))

    assert SearchEntry.objects.get().text == "What is snow?"
    assert SearchMeaning.objects.get().vector is None


def test_a_text_that_was_removed_leaves_nothing_to_search() -> None:
    message = said(conversation(ada()), "My number is 5.")

    Message.objects.filter(pk=message.pk).update(parts=[])

    assert not SearchEntry.objects.exists()
    assert not SearchMeaning.objects.exists()


@pytest.mark.parametrize("values", [{"is_temporary": True}, {"is_listed": False}])
def test_temporary_chats_and_passing_requests_are_never_searched(values: dict[str, bool]) -> None:
    said(conversation(ada(), **values), "What is rain?")

    assert not SearchEntry.objects.exists()


def test_forgetting_a_conversation_forgets_its_entries() -> None:
    message = said(conversation(ada()), "What is rain?")

    forgetting.forget_conversation(ada(), message.conversation_id)

    assert not SearchEntry.objects.exists()
    assert not SearchMeaning.objects.exists()


def test_the_longest_message_is_searched_by_its_first_hundred_thousand_characters() -> None:
    said(conversation(ada()), "wörter " * 140_000)

    assert len(SearchEntry.objects.get().text) == 100_000
