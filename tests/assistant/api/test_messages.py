from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from assistant.chat import turns
from assistant.chat.wire import TextPart
from assistant.errors import NotFound
from assistant.feedback import experiences
from assistant.memory import forgetting
from assistant.models import Generation, Image, Message, SearchEntry, Trajectory, Window
from learning.models import Answer
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk():
    """Ada's conversation of two turns: question, answer, question, answer."""
    where = factories.conversation(factories.ada())
    first = factories.said(where, "One")
    second = factories.answer(first, "Two")
    third = factories.said(where, "Three", second)
    return first, second, third, factories.answer(third, "Four")


def shown(message: Message) -> list[str]:
    address = f"/v1/conversations/{message.conversation_id}"
    rows = factories.caller(factories.ada()).get(address).json()["messages"]
    return [row["parts"][0]["text"] for row in rows]


def later(**age: int):
    return timezone.now() + timedelta(**age)


def test_details_say_how_an_answer_was_made(talk):
    _, answer, _, _ = talk

    details = factories.caller(factories.ada()).get(f"/v1/messages/{answer.pk}/details").json()

    # The factory's answer has a prompt of three tokens and two sampled ones.
    assert details == {
        "model": "danas",
        "policy": "base",
        "status": "done",
        "finish_reason": "stop",
        "has_memory": True,
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "first_token_ms": 20.0,
        "total_ms": 40.0,
        "window_tokens": 3,
        "window_limit": 2048,
    }


def test_details_of_an_answer_that_failed_have_no_figures():
    question = factories.said(factories.conversation(factories.ada()))
    failed = factories.answer(question, "", status=Generation.Status.FAILED)

    details = factories.caller(factories.ada()).get(f"/v1/messages/{failed.pk}/details").json()

    assert (details["status"], details["prompt_tokens"], details["window_limit"]) == (
        "failed",
        None,
        None,
    )


def test_a_deleted_message_takes_what_follows_it_out_of_sight(talk):
    _, second, third, fourth = talk
    client = factories.caller(factories.ada())

    assert client.delete(f"/v1/messages/{third.pk}").status_code == 204

    assert shown(second) == ["One", "Two"]
    for address in ("details", "window"):
        assert client.get(f"/v1/messages/{fourth.pk}/{address}").status_code == 404
    thumb = {"message": str(fourth.pk), "kind": "up"}
    assert client.post("/v1/feedback", thumb, content_type="application/json").status_code == 404


def test_a_deleted_message_comes_back_with_what_went_with_it(talk):
    first, _, third, _ = talk
    client = factories.caller(factories.ada())
    client.delete(f"/v1/messages/{third.pk}")

    for _ in "twice":
        assert client.post(f"/v1/messages/{third.pk}/restore").status_code == 204

    assert shown(first) == ["One", "Two", "Three", "Four"]


def test_what_was_deleted_before_stays_so_when_more_is_brought_back(talk):
    first, second, third, _ = talk
    client = factories.caller(factories.ada())
    client.delete(f"/v1/messages/{third.pk}")
    client.delete(f"/v1/messages/{second.pk}")

    client.post(f"/v1/messages/{second.pk}/restore")

    assert shown(first) == ["One", "Two"]


def test_the_purge_leaves_nothing_of_a_deleted_message(talk):
    first, second, third, fourth = talk
    for answer in (second, fourth):
        experiences.hand_over(answer.generation)
    forgetting.delete_message(factories.ada(), third.pk)

    forgetting.purge_messages(later(seconds=1))

    for model in (Generation, Trajectory, Window):
        assert {row.pk for row in model.objects.all()} == {second.pk}
    assert {row.pk for row in Answer.objects.all()} == {second.pk}
    assert {row.pk for row in SearchEntry.objects.all()} == {first.pk, second.pk}
    assert not Message.with_deleted.filter(pk__in=[third.pk, fourth.pk]).exists()


def test_what_was_said_just_as_the_message_before_it_was_deleted_is_forgotten_too(talk):
    _, second, third, fourth = talk
    experiences.hand_over(fourth.generation)
    Message.objects.filter(pk=second.pk).update(deleted_at=timezone.now())
    assert third.deleted_at is None

    forgetting.purge_messages(later(seconds=1))

    assert not Message.with_deleted.filter(pk__in=[second.pk, third.pk, fourth.pk]).exists()
    assert not Answer.objects.exists()


def test_an_image_goes_with_the_last_message_that_shows_it(talk):
    first, _, third, _ = talk
    where = first.conversation
    once, twice = (factories.image(factories.ada(), conversation=where) for _ in range(2))
    shown_in = {first: [twice], third: [once, twice]}
    for message, images in shown_in.items():
        parts = [{"type": "image", "image": str(each.pk)} for each in images]
        Message.objects.filter(pk=message.pk).update(parts=parts)
    forgetting.delete_message(factories.ada(), third.pk)

    forgetting.purge_messages(later(seconds=1))

    assert list(Image.objects.all()) == [twice]


def test_the_purge_leaves_what_can_still_be_brought_back(talk):
    _, _, third, _ = talk
    forgetting.delete_message(factories.ada(), third.pk)

    forgetting.purge_messages(later(seconds=-30))

    assert Message.with_deleted.filter(pk=third.pk).exists()


def test_an_answer_being_made_is_stopped_when_its_question_is_deleted():
    question = factories.said(factories.conversation(factories.ada()))
    answer = factories.answer(question, status=Generation.Status.RUNNING)

    forgetting.delete_message(factories.ada(), question.pk)

    assert Generation.objects.get(pk=answer.pk).stop_requested


def test_a_question_that_was_deleted_cannot_be_answered_again_or_followed(talk):
    first, second, _, _ = talk
    forgetting.delete_message(factories.ada(), first.pk)

    with pytest.raises(NotFound):
        turns.regenerate(factories.ada(), parent=first.pk, answer=uuid4())
    with pytest.raises(NotFound):
        turns.send(
            factories.ada(),
            conversation=first.conversation_id,
            parent=second.pk,
            message=uuid4(),
            answer=uuid4(),
            parts=[TextPart(text="And?")],
        )


@pytest.mark.parametrize(
    ("method", "address"), [("get", "/details"), ("delete", ""), ("post", "/restore")]
)
def test_somebody_elses_message_does_not_exist(talk, method, address):
    client = factories.caller(factories.ben())

    response = getattr(client, method)(f"/v1/messages/{talk[1].pk}{address}")

    assert response.status_code == 404
    assert shown(talk[0]) == ["One", "Two", "Three", "Four"]


def test_an_answer_without_memory_is_made_from_its_question_alone(talk):
    _, _, third, _ = talk

    again = turns.regenerate(
        factories.ada(), parent=third.pk, answer=uuid4(), model="base", with_memory=False
    )

    assert [(part["role"], part["content"]) for part in again.chat] == [
        ("system", "You are Danas."),
        ("user", "Three"),
    ]
