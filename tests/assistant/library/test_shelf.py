"""The list and its parts, and what moves a conversation from one to the other."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from assistant.models import Conversation, Folder
from tests.factories import ada, ben, caller, conversation

pytestmark = pytest.mark.django_db
JSON = "application/json"


def titles(response) -> list[str]:
    return [row["title"] for row in response.json()["data"]]


def test_a_list_has_parts() -> None:
    folder = Folder.objects.create(owner=ada(), name="Work")
    conversation(ada(), title="plain")
    conversation(ada(), title="pinned", is_pinned=True)
    conversation(ada(), title="archived", is_archived=True)
    conversation(ada(), title="filed", folder=folder)
    conversation(ada(), title="temporary", is_temporary=True)
    client = caller(ada())

    parts = {
        query: titles(client.get(f"/v1/conversations?{query}"))
        for query in (
            "",
            "pinned=true",
            "archived=true",
            "pinned=false&folder=none",
            f"folder={folder.pk}",
        )
    }

    assert list(parts.values()) == [
        ["filed", "pinned", "plain"],
        ["pinned"],
        ["archived"],
        ["plain"],
        ["filed"],
    ]


def test_pages_go_on_below_a_conversation_that_was_deleted_meanwhile() -> None:
    rows = [conversation(ada(), title=title) for title in "abc"]
    client = caller(ada())
    client.delete(f"/v1/conversations/{rows[1].pk}")

    below = client.get(f"/v1/conversations?before={rows[1].pk}")

    assert titles(below) == ["a"]


def test_several_changes_are_made_at_once_and_the_rest_stays() -> None:
    row = conversation(ada())
    folder = Folder.objects.create(owner=ada(), name="Work")
    before = row.updated_at

    changed = caller(ada()).patch(
        f"/v1/conversations/{row.pk}",
        {"is_pinned": True, "folder": str(folder.pk)},
        content_type=JSON,
    )

    assert changed.json()["folder"] == str(folder.pk)
    row.refresh_from_db()
    assert (row.title, row.titled_by, row.is_pinned) == ("A walk", "rule", True)
    # Its place in the list is that of its last word.
    assert row.updated_at == before


def test_a_persons_title_is_known_as_such_and_archiving_takes_the_pin_away() -> None:
    row = conversation(ada(), is_pinned=True)
    client = caller(ada())

    client.patch(f"/v1/conversations/{row.pk}", {"title": "Mine"}, content_type=JSON)
    client.patch(f"/v1/conversations/{row.pk}", {"is_archived": True}, content_type=JSON)

    row.refresh_from_db()
    assert (row.title, row.titled_by) == ("Mine", "person")
    assert (row.is_archived, row.is_pinned) == (True, False)


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"is_pinned": None}, {"owner": 1}])
def test_changes_that_cannot_be_are_a_400(body: dict[str, object]) -> None:
    row = conversation(ada())

    response = caller(ada()).patch(f"/v1/conversations/{row.pk}", body, content_type=JSON)

    assert response.status_code == 400


def test_someone_elses_folder_or_conversation_is_not_there() -> None:
    theirs = Folder.objects.create(owner=ben(), name="Work")
    row, other = conversation(ada()), conversation(ben())
    client = caller(ada())

    answers = [
        client.patch(f"/v1/conversations/{row.pk}", {"folder": str(theirs.pk)}, content_type=JSON),
        client.patch(f"/v1/conversations/{other.pk}", {"is_pinned": True}, content_type=JSON),
        client.patch(f"/v1/folders/{theirs.pk}", {"name": "Mine"}, content_type=JSON),
        client.delete(f"/v1/folders/{theirs.pk}"),
        client.post(f"/v1/conversations/{other.pk}/restore", content_type=JSON),
        client.post(
            "/v1/conversations/several",
            {"conversations": [str(row.pk), str(other.pk)], "act": "archive"},
            content_type=JSON,
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert not Conversation.objects.filter(is_archived=True).exists()
    assert client.get(f"/v1/conversations?folder={theirs.pk}").status_code == 404


def test_folders_are_made_renamed_and_deleted_and_their_conversations_stay() -> None:
    client = caller(ada())
    made = client.post("/v1/folders", {"name": " Work "}, content_type=JSON)
    address = f"/v1/folders/{made.json()['id']}"
    row = conversation(ada(), folder=Folder.objects.get())

    again = client.post("/v1/folders", {"name": "WORK"}, content_type=JSON)
    renamed = client.patch(address, {"name": "Home"}, content_type=JSON)
    listed = client.get("/v1/folders").json()["data"]
    deleted = client.delete(address)

    assert (made.status_code, again.status_code) == (201, 409)
    assert again.json()["error"]["code"] == "folder_exists"
    assert renamed.json() == listed[0] == {"id": made.json()["id"], "name": "Home"}
    assert deleted.status_code == 204
    row.refresh_from_db()
    assert row.folder is None


def test_several_are_archived_moved_deleted_and_restored_together() -> None:
    rows = [str(conversation(ada()).pk) for _ in range(3)]
    folder = Folder.objects.create(owner=ada(), name="Work")
    client = caller(ada())

    def together(act: str, **more: object) -> int:
        body = {"conversations": rows[:2], "act": act, **more}
        answer = client.post("/v1/conversations/several", body, content_type=JSON)
        return len(answer.json()["data"])

    counts = [
        together("move", folder=str(folder.pk)),
        together("archive"),
        together("unarchive"),
        together("delete"),
        together("restore"),
    ]

    assert counts == [2, 2, 2, 0, 2]
    assert Conversation.objects.filter(folder=folder, is_archived=False).count() == 2


def test_the_list_of_ten_thousand_is_read_from_its_index() -> None:
    owner = ada()
    Conversation.objects.bulk_create(
        Conversation(pk=uuid4(), owner=owner, title=f"About {n}", system_text="")
        for n in range(10_000)
    )
    last = Conversation.objects.order_by("-updated_at", "-pk")[5000]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE assistant_conversation")

    from assistant.library import shelf

    rows = shelf.listed(owner).filter(is_archived=False, updated_at__lte=last.updated_at)
    plan = rows.order_by("-updated_at", "-pk")[:41].explain()

    assert "conversation_list" in plan
    assert "Sort" not in plan.replace("Incremental Sort", "")
