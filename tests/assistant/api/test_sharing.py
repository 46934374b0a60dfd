"""Links to conversations: what anybody sees by them, and when they end."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from assistant.images import uploads
from assistant.memory import forgetting
from assistant.models import Conversation, Message, Share
from tests import factories
from tests.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.FILES = str(tmp_path / "files")


def share(answer: Message, **body: object) -> dict:
    ada = factories.caller(factories.ada())
    path = f"/v1/conversations/{answer.conversation_id}/shares"
    body = {"leaf": str(answer.pk), **body}
    return ada.post(path, body, content_type="application/json").json()


def read(link: dict) -> object:
    return Client().get("/v1/shared/" + link["path"].removeprefix("/s/"))


def test_anybody_who_has_the_link_reads_the_path_and_nothing_beside_it():
    answer = factories.served(factories.ada(), "The Moon pulls.")
    factories.answer(answer.parent, "Another branch.")
    factories.feedback(answer, "comment", text="private words")

    response = read(share(answer))

    body = response.json()
    assert [part["text"] for each in body["messages"] for part in each["parts"]] == [
        "Hello",
        "The Moon pulls.",
    ]
    assert b"private words" not in response.content
    assert b"ada" not in response.content
    assert str(answer.pk).encode() not in response.content
    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_what_is_said_later_is_not_shown():
    answer = factories.served(factories.ada())
    link = share(answer)

    factories.answer(factories.said(answer.conversation, "And then?", answer))

    assert len(read(link).json()["messages"]) == 2


def test_the_name_is_shown_where_its_owner_wants_it():
    answer = factories.served(factories.ada())

    named, nameless = share(answer, with_name=True), share(answer)

    assert read(named).json()["name"] == "ada"
    assert read(nameless).json()["name"] == ""


def test_the_same_path_has_the_same_link_of_192_random_bits():
    answer = factories.served(factories.ada())

    first, second = share(answer), share(answer)

    assert first == second
    # 24 bytes are 32 characters of six bits.
    assert len(Share.objects.get().token) == 32


def test_images_are_shown_through_the_link_alone():
    ada, answer = factories.ada(), factories.served(factories.ada())
    shown, other = (uploads.take_in(ada, picture()) for _ in range(2))
    uploads.attach(ada, answer.conversation, [shown.pk, other.pk])
    Message.objects.filter(pk=answer.parent_id).update(
        parts=[{"type": "image", "image": str(shown.pk)}]
    )
    token = share(answer)["path"].removeprefix("/s/")

    assert Client().get(f"/v1/shared/{token}/images/{shown.pk}").status_code == 200
    assert Client().get(f"/v1/shared/{token}/images/{other.pk}").status_code == 404
    assert Client().get(f"/v1/shared/none/images/{shown.pk}").status_code == 404
    assert Client().get(f"/v1/images/{shown.pk}").status_code == 401


def revoked(link: dict, answer: Message) -> None:
    assert factories.caller(factories.ada()).delete(f"/v1/shares/{link['id']}").status_code == 204


def deleted(link: dict, answer: Message) -> None:
    factories.caller(factories.ada()).delete(f"/v1/conversations/{answer.conversation_id}")


def closed(link: dict, answer: Message) -> None:
    factories.ada().__class__.objects.filter(username="ada").update(is_active=False)


@pytest.mark.parametrize("end", [revoked, deleted, closed])
def test_a_link_ends_at_once(end):
    answer = factories.served(factories.ada())
    link = share(answer)
    assert read(link).status_code == 200

    end(link, answer)

    assert read(link).status_code == 404


def test_a_message_that_was_deleted_is_left_out():
    first = factories.served(factories.ada())
    last = factories.answer(factories.said(first.conversation, "More", first))
    link = share(last)

    forgetting.delete_message(factories.ada(), last.parent_id)

    assert len(read(link).json()["messages"]) == 2


def test_a_temporary_chat_cannot_be_shared():
    answer = factories.served(factories.ada(), is_temporary=True)

    assert share(answer)["error"]["code"] == "not_shareable"


def test_an_answer_in_the_making_cannot_be_shared():
    waiting = factories.answer(
        factories.said(factories.conversation(factories.ada())), status="queued"
    )

    assert share(waiting)["error"]["code"] == "answer_not_finished"


def test_a_leaf_of_another_conversation_is_not_found():
    here, there = (factories.served(factories.ada()) for _ in range(2))
    ada = factories.caller(factories.ada())

    response = ada.post(
        f"/v1/conversations/{here.conversation_id}/shares",
        {"leaf": str(there.pk)},
        content_type="application/json",
    )

    assert response.status_code == 404


def test_links_are_listed_for_their_owner():
    answer = factories.served(factories.ada())
    link = share(answer)
    ada, cy = factories.caller(factories.ada()), factories.caller(factories.cy())

    assert ada.get("/v1/shares").json()["data"] == [link]
    assert ada.get(f"/v1/conversations/{answer.conversation_id}/shares").json()["data"] == [link]
    assert cy.get("/v1/shares").json()["data"] == []
    assert cy.delete(f"/v1/shares/{link['id']}").status_code == 404
    assert cy.delete(f"/v1/shares/{uuid4()}").status_code == 404
    assert Conversation.objects.count() == 1
