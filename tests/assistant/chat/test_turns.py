"""What a person can ask of a conversation, at the level of rows."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from assistant.chat import turns
from assistant.chat.wire import ImagePart, TextPart
from assistant.errors import (
    AnswerNotFinished,
    IdentifierTaken,
    ImagesTooMany,
    MessageEmpty,
    MessageOversize,
    NotFound,
)
from assistant.models import Conversation, Generation, Message, User
from inference.contracts import ChatMessage
from inference.errors import UnknownPolicy
from tests import factories

pytestmark = pytest.mark.django_db


def say(person: User, text: str = "Hello", **values: object) -> Generation:
    ids = {
        "conversation": uuid4(),
        "parent": None,
        "message": uuid4(),
        "answer": uuid4(),
        **values,
    }
    return turns.send(person, parts=[TextPart(text=text)], **ids)


def test_saying_something_stores_it_and_queues_an_answer_to_it():
    conversation = uuid4()

    generation = say(factories.ada(), "What is rain?", conversation=conversation)

    assert generation.status == Generation.Status.QUEUED
    assert generation.message.parent.text == "What is rain?"
    assert Conversation.objects.get(pk=conversation).title == "What is rain?"


def test_sending_twice_is_sending_once():
    ada, ids = factories.ada(), {name: uuid4() for name in ("conversation", "message", "answer")}

    first, second = say(ada, **ids), say(ada, **ids)

    assert first.pk == second.pk
    assert Message.objects.count() == 2


def test_a_second_answer_id_for_the_same_message_is_refused():
    ada, message = factories.ada(), uuid4()
    say(ada, message=message)

    with pytest.raises(IdentifierTaken):
        say(ada, message=message)


def test_someone_elses_conversation_looks_like_none():
    where = factories.conversation(factories.ada())

    with pytest.raises(NotFound):
        say(factories.cy(), conversation=where.pk)


def test_someone_elses_message_id_tells_nothing_about_it():
    message = uuid4()
    say(factories.ada(), message=message)

    with pytest.raises(IdentifierTaken):
        say(factories.cy(), message=message)


def test_a_turn_waits_for_the_answer_before_it():
    ada = factories.ada()
    open_answer = say(ada)

    with pytest.raises(AnswerNotFinished):
        say(
            ada,
            conversation=open_answer.message.conversation_id,
            parent=open_answer.pk,
        )


def test_a_parent_from_another_conversation_is_not_found():
    ada = factories.ada()
    elsewhere = factories.served(ada)
    here = factories.conversation(ada)

    with pytest.raises(NotFound):
        say(ada, conversation=here.pk, parent=elsewhere.pk)


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u2003"])
def test_an_empty_message_is_refused_and_leaves_nothing_behind(text: str):
    with pytest.raises(MessageEmpty):
        say(factories.ada(), text)

    assert not Conversation.objects.exists()


def test_an_oversize_message_is_refused_with_both_sizes(settings):
    settings.MESSAGE_BYTES = 10

    # Each of the four letters takes three bytes.
    with pytest.raises(MessageOversize, match=r"12 bytes; at most 10"):
        say(factories.ada(), "ああああ")


def show(person: User, *images: UUID, text: str = "What is this?", **values: object) -> Generation:
    ids = {"conversation": uuid4(), "parent": None, "message": uuid4(), "answer": uuid4(), **values}
    said = [TextPart(text=text)] if text else []
    return turns.send(person, parts=[*said, *(ImagePart(image=pk) for pk in images)], **ids)


def test_an_image_is_said_with_words_and_belongs_to_the_conversation_from_then_on():
    image = factories.image(factories.ada())

    answer = show(factories.ada(), image.pk)

    image.refresh_from_db()
    assert image.conversation_id == answer.message.conversation_id
    assert answer.message.parent.parts == [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "image": str(image.pk)},
    ]


def test_an_image_needs_no_words():
    answer = show(factories.ada(), factories.image(factories.ada()).pk, text="")

    assert answer.message.conversation.title == ""


def test_an_image_can_be_said_again_in_its_conversation_and_nowhere_else():
    ada, image = factories.ada(), factories.image(factories.ada())
    where = show(ada, image.pk).message.conversation_id

    show(ada, image.pk, conversation=where)

    with pytest.raises(NotFound):
        show(ada, image.pk)


@pytest.mark.parametrize("whose", [factories.cy, None])
def test_an_image_of_someone_else_is_none_and_leaves_nothing_behind(whose):
    image = factories.image(whose()).pk if whose else uuid4()

    with pytest.raises(NotFound):
        show(factories.ada(), image)

    assert not Conversation.objects.filter(owner=factories.ada()).exists()


def test_a_message_takes_ten_images():
    images = [factories.image(factories.ada()).pk for _ in range(11)]

    with pytest.raises(ImagesTooMany, match="at most 10"):
        show(factories.ada(), *images)


def test_an_unknown_model_is_refused():
    with pytest.raises(UnknownPolicy):
        say(factories.ada(), model="gpt-9")


def test_asking_again_makes_a_sibling():
    first = factories.served(factories.ada())

    second = turns.regenerate(factories.ada(), parent=first.parent_id, answer=uuid4())

    assert second.message.parent_id == first.parent_id


def test_nobody_else_can_ask_again():
    first = factories.served(factories.ada())

    with pytest.raises(NotFound):
        turns.regenerate(factories.cy(), parent=first.parent_id, answer=uuid4())


def test_stopping_an_answer_that_no_worker_has_taken_ends_it_at_once():
    generation = say(factories.ada())

    turns.stop(factories.ada(), answer=generation.pk)

    generation.refresh_from_db()
    assert generation.status == Generation.Status.STOPPED
    assert [event.kind for event in generation.events.all()] == ["stopped"]


def test_stopping_a_running_answer_leaves_a_request_for_its_worker():
    generation = say(factories.ada())
    Generation.objects.filter(pk=generation.pk).update(status="running", worker="w")

    turns.stop(factories.ada(), answer=generation.pk)

    generation.refresh_from_db()
    assert generation.stop_requested
    assert generation.is_open


def test_stopping_a_finished_answer_changes_nothing():
    answer = factories.served(factories.ada())

    turns.stop(factories.ada(), answer=answer.pk)

    answer.generation.refresh_from_db()
    assert answer.generation.status == Generation.Status.DONE


def test_nobody_else_can_stop_an_answer():
    with pytest.raises(NotFound):
        turns.stop(factories.cy(), answer=factories.served(factories.ada()).pk)


def test_a_request_with_its_own_history_is_not_listed():
    chat = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]

    generation = turns.complete(
        factories.ada(), answer=uuid4(), chat=chat, model="base", sampling={"max_tokens": 5}
    )

    assert not generation.message.conversation.is_listed
    assert generation.message.parent.text == "Hello"
    assert [message["content"] for message in generation.chat] == ["Be brief.", "Hello"]


def test_a_request_without_a_system_text_gets_the_assistants_own(settings):
    generation = turns.complete(
        factories.ada(),
        answer=uuid4(),
        chat=[ChatMessage("user", "Hello")],
        model="base",
        sampling={},
    )

    assert generation.chat == [
        {"role": "system", "content": settings.SYSTEM_TEXT},
        {"role": "user", "content": "Hello"},
    ]


def test_nul_characters_do_not_reach_the_database():
    generation = say(factories.ada(), "a\0b")

    assert generation.message.parent.text == "a\N{REPLACEMENT CHARACTER}b"


def test_an_id_is_taken_for_ever():
    answer = UUID(int=7)
    say(factories.ada(), answer=answer)

    with pytest.raises(IdentifierTaken):
        say(factories.ada(), answer=answer)
