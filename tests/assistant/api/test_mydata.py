"""One's own data: as files, as a zip, and gone."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from assistant import files
from assistant.feedback import experiences
from assistant.images import uploads
from assistant.library import deletion
from assistant.models import Conversation, Erasure, Export, Feedback, Image, Message, Share, User
from assistant.mydata import erasure, exports
from assistant.sharing import links
from learning.contracts import FeedbackKind
from learning.models import Answer
from tests import factories
from tests.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.FILES = str(tmp_path / "files")


def branched() -> Conversation:
    """Hello → Good morning. → More → Sure. and Hello → Good evening."""
    first = factories.served(factories.ada(), "Good morning.")
    factories.answer(factories.said(first.conversation, "More", first), "Sure.")
    factories.answer(first.parent, "Good evening.")
    return first.conversation


def test_a_conversation_is_a_readable_file_with_all_branches():
    where = branched()

    response = factories.caller(factories.ada()).get(f"/v1/conversations/{where.pk}/export")

    text = response.content.decode()
    assert response["Content-Disposition"] == "attachment; filename*=UTF-8''A%20walk.md"
    order = ["# A walk", "Hello", "Good evening.", "Another branch, after message 1"]
    order += ["Good morning.", "More", "Sure."]
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)
    assert text.count("Hello") == 1


def test_a_conversation_as_json_is_the_whole_tree():
    where = branched()

    body = factories.caller(factories.ada()).get(f"/v1/conversations/{where.pk}/export?format=json")

    messages = json.loads(body.content)["messages"]
    assert len(messages) == 5
    assert [each["parent"] for each in messages].count(messages[0]["id"]) == 2


def test_a_temporary_chat_has_no_file():
    where = factories.conversation(factories.ada(), is_temporary=True)

    response = factories.caller(factories.ada()).get(f"/v1/conversations/{where.pk}/export")

    assert response.status_code == 404


def test_everything_is_in_the_zip_but_keys_and_temporary_chats():
    ada, where = factories.ada(), branched()
    answer = where.messages.get(parts__0__text="Sure.")
    image = uploads.take_in(ada, picture())
    uploads.attach(ada, where, [image.pk])
    Message.objects.filter(pk=answer.parent_id).update(
        parts=[{"type": "image", "image": str(image.pk)}]
    )
    factories.feedback(answer, "comment", text="well said")
    factories.served(ada, "secret", is_temporary=True)
    factories.served(ada, "by a program", is_listed=False)
    links.share(ada, where.pk, answer.pk, with_name=False)
    factories.reminder(ada, "Water the plants")
    factories.tool_call_of(answer, result="42")
    client = factories.caller(ada)
    asked = client.post("/v1/exports", {}, content_type="application/json").json()

    exports.build(asked["id"])

    (export,) = client.get("/v1/exports").json()["data"]
    assert (export["state"], export["done"], export["total"]) == ("ready", 2, 2)
    zipped = zipfile.ZipFile(BytesIO(files.content(Export.objects.get().address)))
    names = zipped.namelist()
    everything = b"".join(zipped.read(name) for name in names)
    assert f"images/{image.file_name}" in names
    assert sum(name.startswith("conversations/") for name in names) == 2
    markdown = next(zipped.read(name) for name in names if name.endswith(".md") and "/" in name)
    assert f"(../images/{image.file_name})".encode() in markdown
    (judged,) = json.loads(zipped.read("feedback.json"))
    assert (judged["text"], judged["became"] != "") == ("well said", True)
    assert json.loads(zipped.read("account.json"))["keys"][0]["begins"].startswith("danas-")
    assert len(json.loads(zipped.read("sharing.json"))) == 1
    tools = json.loads(zipped.read("tools.json"))
    assert [each["text"] for each in tools["reminders"]] == ["Water the plants"]
    assert [each["result"] for each in tools["calls"]] == ["42"]
    assert b"by a program" in zipped.read("requests.ndjson")
    assert b"secret" not in everything


def test_nothing_of_temporary_and_of_deleted_chats_is_in_a_copy():
    ada = factories.ada()
    passing = factories.served(ada, "zanzibar", is_temporary=True)
    factories.feedback(passing, FeedbackKind.CORRECTION, text="zanzibar")
    gone = factories.served(ada, "zanzibar")
    for answer in (passing, gone):
        factories.tool_call_of(answer, arguments="zanzibar")
    pictures = [uploads.take_in(ada, picture()) for _ in range(2)]
    uploads.attach(ada, passing.conversation, [pictures[0].pk])
    uploads.attach(ada, gone.conversation, [pictures[1].pk])
    deletion.delete(ada, [gone.conversation_id])

    exports.build(exports.ask(ada).pk)

    zipped = zipfile.ZipFile(BytesIO(files.content(Export.objects.get().address)))
    assert not [name for name in zipped.namelist() if name.startswith("images/")]
    assert not [name for name in zipped.namelist() if b"zanzibar" in zipped.read(name)]


def test_a_copy_goes_when_something_in_it_is_forgotten():
    ada, answer = factories.ada(), factories.served(factories.ada())
    exports.build(exports.ask(ada).pk)

    deletion.delete_now(ada, answer.conversation_id)

    assert not Export.objects.exists()


def test_a_copy_in_the_making_is_made_anew_when_something_is_forgotten():
    ada, answer = factories.ada(), factories.served(factories.ada())
    export = exports.ask(ada)
    Export.objects.update(state="building")

    deletion.delete_now(ada, answer.conversation_id)
    exports._build(export)
    files.sweep()

    again = Export.objects.get()
    assert (again.pk != export.pk, again.state) == (True, "queued")
    assert files.shelf().read(files.shelf().address(f"exports/{export.pk}.zip")) is None


def test_a_temporary_chat_that_goes_takes_no_copy_along():
    ada, answer = factories.ada(), factories.served(factories.ada(), is_temporary=True)
    exports.build(exports.ask(ada).pk)

    deletion.delete_now(ada, answer.conversation_id)

    assert Export.objects.get().state == "ready"


def test_a_copy_is_downloaded_by_its_owner_until_it_expires():
    pk = exports.ask(factories.ada()).pk
    exports.build(pk)
    ada, cy = factories.caller(factories.ada()), factories.caller(factories.cy())

    response = ada.get(f"/v1/exports/{pk}/download")

    assert zipfile.ZipFile(BytesIO(response.content)).testzip() is None
    assert response["Cache-Control"] == "private, no-store"
    assert cy.get(f"/v1/exports/{pk}/download").status_code == 404
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ada.get(f"/v1/exports/{pk}/download").status_code == 404


def test_one_copy_is_made_at_a_time_and_a_lost_one_is_taken_up_again():
    first = exports.ask(factories.ada())

    assert exports.ask(factories.ada()).pk == first.pk
    Export.objects.update(state="building")
    exports.build(first.pk)
    assert Export.objects.get().state == "building"
    Export.objects.update(touched_at=timezone.now() - 2 * exports.LOST_AFTER)
    exports.build(first.pk)
    assert Export.objects.get().state == "ready"


def test_a_copy_whose_owner_deleted_everything_meanwhile_leaves_no_file():
    ada, where = factories.ada(), branched()
    export = exports.ask(ada)
    Export.objects.update(state="building")
    erasure.ask(ada, with_account=False, name="ada")
    assert where.messages.exists()

    exports._build(export)
    files.sweep()

    assert files.shelf().read(files.shelf().address(f"exports/{export.pk}.zip")) is None


def test_the_address_of_e_mail_is_in_the_copy():
    ada = factories.ada()
    EmailAddress.objects.create(user=ada, email="ada@example.org", primary=True)

    exports.build(exports.ask(ada).pk)

    zipped = zipfile.ZipFile(BytesIO(files.content(Export.objects.get().address)))
    assert json.loads(zipped.read("account.json"))["email"] == "ada@example.org"


def test_a_copy_whose_time_is_over_is_deleted_with_its_file():
    export = exports.ask(factories.ada())
    exports.build(export.pk)
    export.refresh_from_db()
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    exports.expire()
    files.sweep()

    assert files.shelf().read(export.address) is None


def erase(who: User, what: str, **values: str) -> object:
    User.objects.filter(pk=who.pk).update(password=make_password(factories.PASSWORD))
    body = {"what": what, "name": who.username, "password": factories.PASSWORD, **values}
    return factories.caller(who).post("/v1/me/erasure", body, content_type="application/json")


def owned() -> User:
    """Ada with a conversation, an image, a judgement, a link and a copy."""
    ada, answer = factories.ada(), factories.served(factories.ada())
    factories.feedback(answer)
    uploads.take_in(ada, picture())
    links.share(ada, answer.conversation_id, answer.pk, with_name=False)
    exports.build(exports.ask(ada).pk)
    return ada


def test_all_conversations_are_deleted_and_the_account_stays():
    ada, ben = owned(), factories.served(factories.ben())

    response = erase(ada, "conversations")
    erasure.erase(ada.pk)

    assert response.json() == {"what": "conversations", "left": 1}
    assert list(Conversation.objects.all()) == [ben.conversation]
    for kind in (Image, Feedback, Share, Export, Erasure, Answer):
        assert not kind.objects.exists(), kind
    assert User.objects.filter(username="ada", is_active=True).exists()


def test_a_deleted_account_lets_nobody_in_at_once_and_is_gone_soon():
    ada = owned()
    client = factories.browser(ada)

    response = erase(ada, "account")

    assert response.status_code == 200
    assert client.get("/v1/session").status_code == 401
    assert factories.caller(ada).get("/v1/session").status_code == 401
    erasure.erase(ada.pk)
    files.sweep()
    assert not User.objects.filter(username="ada").exists()
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    ("values", "code"),
    [({"password": "wrong"}, "password_wrong"), ({"name": "Ada"}, "confirmation_wrong")],
)
def test_without_password_and_name_nothing_is_deleted(values, code):
    ada = owned()

    response = erase(ada, "account", **values)

    assert response.json()["error"]["code"] == code
    assert not Erasure.objects.exists()
    assert Share.objects.exists()


def test_the_last_administrator_stays():
    response = erase(factories.ann(), "account")

    assert response.json()["error"]["code"] == "last_administrator"
    assert User.objects.get(username="ann").is_active


def test_conversations_are_out_of_sight_as_soon_as_their_deletion_was_asked_for():
    ada = owned()

    erase(ada, "conversations")

    assert factories.caller(ada).get("/v1/conversations").json()["data"] == []
    assert erasure.of(ada)[1] == 1


def test_asking_again_is_for_what_was_begun_meanwhile_and_for_the_account():
    ada = owned()
    erase(ada, "conversations")
    later = factories.served(ada)
    experiences.hand_over(later.generation)

    erase(ada, "account")
    erasure.erase(ada.pk)

    assert not User.objects.filter(username="ada").exists()
    assert not Conversation.with_deleted.exists()
    assert not Answer.objects.exists()


def test_what_was_begun_before_asking_again_goes_too():
    ada = owned()
    erase(ada, "conversations")
    factories.served(ada)
    erase(ada, "conversations")

    erasure.erase(ada.pk)

    assert not Conversation.with_deleted.exists()


def test_erasing_twice_is_erasing_once():
    ada = owned()
    erase(ada, "conversations")

    erasure.erase(ada.pk)
    erasure.erase(ada.pk)

    assert not Conversation.objects.exists()
