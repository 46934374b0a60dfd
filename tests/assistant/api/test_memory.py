"""Memory over the API: the profile, a conversation's memory, the switches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.feedback import experiences
from assistant.library import deletion
from assistant.models import Conversation, Generation, Note, Trajectory, Window
from assistant.mydata import erasure
from learning.models import Answer
from tests import factories
from tests.system.stack import MODEL, make_model

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def counted(settings) -> None:
    make_model()
    settings.MODEL_PATH = MODEL


def test_the_profile_says_what_is_known_and_how_much_room_there_is(settings):
    settings.PROFILE_TOKENS = 100
    ada = factories.ada()
    said = factories.said(factories.conversation(ada, title="Food"), "I like rice.")
    factories.note(ada, "I like rice.", source=said, tokens=6, is_pinned=True)
    factories.note(ada, "I keep bees.", kind="own", tokens=7)
    factories.note(factories.cy(), "I am Cy.")

    profile = factories.caller(ada).get("/v1/memory").json()

    first, second = profile["notes"]
    assert (first["text"], first["title"]) == ("I like rice.", "Food")
    assert first["conversation"] == str(said.conversation_id)
    assert (second["text"], second["source"], second["title"]) == ("I keep bees.", None, "")
    assert {key: profile[key] for key in profile if key != "notes"} == {
        "is_on": True,
        "used_tokens": 13,
        "limit_tokens": 100,
        "pinned_tokens": 6,
        "pinned_limit": 50,
    }


@pytest.mark.usefixtures("counted")
def test_a_note_is_added_on_one_line_changed_deleted_and_brought_back():
    client = factories.caller(factories.ada())

    added = client.post("/v1/memory/notes", {"text": " I keep\nbees. "}, content_type=JSON).json()
    address = f"/v1/memory/notes/{added['note']['id']}"
    changed = client.patch(address, {"text": "I keep hens."}, content_type=JSON).json()
    deleted = client.delete(address)
    known = client.get("/v1/memory").json()["notes"]
    back = client.post(f"{address}/restore", content_type=JSON).json()

    assert (added["note"]["text"], added["gave_way"]) == ("I keep bees.", [])
    assert (changed["text"], changed["kind"]) == ("I keep hens.", "own")
    assert (deleted.status_code, known) == (204, [])
    assert back["text"] == "I keep hens."


@pytest.mark.parametrize("text", ["", "  ", "a" * 301, None])
def test_a_note_that_cannot_be_one_is_a_400(text):
    client = factories.caller(factories.ada())

    response = client.post("/v1/memory/notes", {"text": text}, content_type=JSON)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "text"


def test_without_the_models_files_a_note_waits():
    client = factories.caller(factories.ada())

    response = client.post("/v1/memory/notes", {"text": "I keep bees."}, content_type=JSON)

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "model_not_there"
    assert response["Retry-After"]


def test_memory_is_turned_off_for_all_and_for_one_chat():
    client = factories.caller(factories.ada())
    where = factories.conversation(factories.ada())

    profile = client.patch("/v1/memory", {"is_on": False}, content_type=JSON).json()
    chat = client.patch(
        f"/v1/conversations/{where.pk}", {"uses_memory": False}, content_type=JSON
    ).json()

    assert profile["is_on"] is False
    assert chat["uses_memory"] is False
    assert not Conversation.objects.get().uses_memory


@pytest.mark.usefixtures("counted")
def test_the_memory_of_a_chat_is_pinned_added_to_and_forgotten():
    answer = factories.served(factories.ada())
    client = factories.caller(factories.ada())
    address = f"/v1/messages/{answer.pk}/memory"

    added = client.post(address, {"text": "The trip is in June."}, content_type=JSON).json()
    pinned = client.patch(f"{address}/0", {"is_pinned": True}, content_type=JSON).json()
    forgotten = client.delete(f"{address}/1")
    window = client.get(f"/v1/messages/{answer.pk}/window").json()

    assert [block["text"] for block in added["memory"]] == ["Hello", "The trip is in June."]
    assert [block["is_pinned"] for block in pinned["memory"]] == [True, True]
    assert forgotten.status_code == 204
    assert window["is_current"]
    assert [block["text"] for block in window["memory"]] == ["Hello"]


def test_the_memory_of_an_answer_that_the_talk_went_on_from_is_history():
    first = factories.served(factories.ada())
    factories.answer(factories.said(first.conversation, "And?", first))
    client = factories.caller(factories.ada())

    window = client.get(f"/v1/messages/{first.pk}/window").json()
    response = client.delete(f"/v1/messages/{first.pk}/memory/0")

    assert (window["is_current"], window["memory"]) == (False, [])
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "memory_moved_on"


def test_what_came_from_a_deleted_conversation_is_gone_from_where_it_was_read():
    ada = factories.ada()
    gone, reader = factories.served(ada), factories.served(ada)
    note = factories.note(ada, "zanzibar", source=gone.parent)
    row = Window.objects.get(message=reader)
    row.shown["notes"] = [note.text]
    row.notes = [{"id": str(note.pk), "source": str(gone.parent_id)}]
    row.save()
    experiences.hand_over(Generation.objects.get(pk=reader.pk))

    deletion.delete_now(ada, gone.conversation_id)

    assert not Note.with_deleted.exists()
    assert Window.objects.get(message=reader).shown["notes"] == []
    assert not Trajectory.objects.filter(pk=reader.pk).exists()
    assert not Answer.objects.filter(pk=reader.pk).exists()


def test_a_persons_own_note_is_gone_from_prompts_when_the_time_to_undo_is_over():
    ada = factories.ada()
    reader = factories.served(ada)
    note = factories.note(ada, "zanzibar", kind="own")
    row = Window.objects.get(message=reader)
    row.shown["notes"], row.notes = [note.text], [{"id": str(note.pk), "source": None}]
    row.save()
    Note.objects.update(deleted_at=timezone.now() - timedelta(minutes=1))

    deletion.purge()

    assert not Trajectory.objects.filter(pk=reader.pk).exists()
    assert "zanzibar" not in str(Window.objects.values_list("shown"))


def test_deleting_everything_deletes_the_notes_at_once():
    ada = factories.ada()
    factories.note(ada)

    erasure.ask(ada, with_account=False, name="ada")

    assert not Note.with_deleted.exists()
