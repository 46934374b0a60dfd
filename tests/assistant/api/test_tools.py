"""Tools over HTTP: what is allowed, decisions, reminders, and servers for administrators."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from assistant.models import Act, Reminder, ToolPermission, ToolServer
from tests import factories

pytestmark = pytest.mark.django_db
REAL = str(Path(__file__).parents[1] / "tools" / "real_server.py")
FAR = {"name": "far", "transport": "http", "url": "http://127.0.0.1:1/mcp", "may_use_network": True}


def ask(client, method, path, body=None):
    if body is None:
        return getattr(client, method)(path)
    return getattr(client, method)(path, body, content_type="application/json")


def choices(response):
    return {tool["key"]: tool["choice"] for tool in response.json()["tools"]}


def test_what_writes_asks_until_its_person_says_otherwise():
    ada = factories.caller(factories.ada())

    before = choices(ask(ada, "get", "/v1/me/tools"))
    after = choices(ask(ada, "put", "/v1/me/tools", {"key": "notes_add", "choice": "always"}))

    assert (before["notes_add"], before["time"]) == ("ask", "always")
    assert after["notes_add"] == "always"
    other = factories.caller(factories.ben())
    assert choices(ask(other, "get", "/v1/me/tools"))["notes_add"] == "ask"


def test_a_tool_that_is_not_there_can_t_be_chosen():
    ada = factories.caller(factories.ada())

    response = ask(ada, "put", "/v1/me/tools", {"key": "weather", "choice": "always"})

    assert response.status_code == 404
    assert not ToolPermission.objects.exists()


@pytest.mark.parametrize(("zone", "status"), [("Asia/Manila", 200), ("Mars/Olympus", 400)])
def test_the_time_zone_has_to_be_one(zone, status):
    ada = factories.caller(factories.ada())

    assert ask(ada, "put", "/v1/me/time-zone", {"time_zone": zone}).status_code == status


def test_a_call_is_decided_once():
    call, ada = factories.tool_call(factories.ada()), factories.caller(factories.ada())
    path = f"/v1/tool-calls/{call.pk}/decision"

    first = ask(ada, "post", path, {"decision": "once"}).json()
    second = ask(ada, "post", path, {"decision": "no"}).json()

    assert (first["state"], second["state"]) == ("allowed", "allowed")
    assert first["answer"] == str(call.generation_id)


def test_a_reminder_is_set_listed_and_put_away():
    ada = factories.caller(factories.ada())
    due_at = (timezone.now() + timedelta(hours=2)).isoformat()

    made = ask(ada, "post", "/v1/reminders", {"text": " Water\nthe plants", "due_at": due_at})
    listed = ask(ada, "get", "/v1/reminders").json()["data"]
    gone = ask(ada, "delete", f"/v1/reminders/{made.json()['id']}")

    assert made.status_code == 201
    assert [each["text"] for each in listed] == ["Water the plants"]
    assert gone.status_code == 204
    assert not Reminder.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " ", "due_at": "2100-01-01T00:00:00Z"},
        {"text": "Tea", "due_at": "2020-01-01T00:00:00Z"},
        {"text": "Tea", "due_at": "2100-01-01T00:00:00Z"},
        {"text": "Tea", "due_at": "2026-11-24T17:00:00"},
        {"text": "Tea"},
    ],
)
def test_what_can_t_be_a_reminder_is_refused(wrong):
    ada = factories.caller(factories.ada())

    assert ask(ada, "post", "/v1/reminders", wrong).status_code == 400


def test_an_administrator_adds_tries_and_removes_a_program(settings):
    settings.TOOL_PROGRAMS = True
    ann = factories.caller(factories.ann())
    new = {
        "name": "real",
        "transport": "stdio",
        "command": [sys.executable, REAL],
        "may_use_network": True,
        "secrets": {"TOKEN": "hush"},
    }

    made = ask(ann, "post", "/v1/tools/servers", new)
    pk = made.json()["id"]
    tried = ask(ann, "post", f"/v1/tools/servers/{pk}/try", {})
    gone = ask(ann, "delete", f"/v1/tools/servers/{pk}")

    assert made.status_code == 201
    assert (made.json()["secrets"], "hush" in made.content.decode()) == (["TOKEN"], False)
    assert [tool["name"] for tool in tried.json()["tools"]] == ["add", "fail"]
    assert (tried.json()["problem"], gone.status_code) == ("", 204)
    kinds = [act.kind for act in Act.objects.order_by("pk")]
    assert kinds == ["key", "tools_added", "tools_removed"]


def test_trying_a_server_that_is_not_there_says_so():
    ann = factories.caller(factories.ann())
    pk = ask(ann, "post", "/v1/tools/servers", FAR).json()["id"]

    tried = ask(ann, "post", f"/v1/tools/servers/{pk}/try", {}).json()

    assert tried["problem"] == "The server can't be reached."
    assert tried["tools"] == []


def test_programs_are_off_unless_whoever_starts_danas_turns_them_on():
    ann = factories.caller(factories.ann())

    response = ask(
        ann, "post", "/v1/tools/servers", {"name": "sh", "transport": "stdio", "command": ["sh"]}
    )

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "tool_server_invalid"
    assert not ToolServer.objects.exists()


def test_a_server_of_everybody_is_asked_about_by_each():
    ann, ada = factories.caller(factories.ann()), factories.caller(factories.ada())
    ask(ann, "post", "/v1/tools/servers", {**FAR, "allowance": "never"})
    listing = [{"name": "add", "description": "Adds.", "parameters": {"type": "object"}}]
    ToolServer.objects.update(listing=listing)

    [tool] = [each for each in ask(ada, "get", "/v1/me/tools").json()["tools"] if each["server"]]

    assert (tool["name"], tool["choice"]) == ("far__add", "never")
    chosen = ask(ada, "put", "/v1/me/tools", {"key": tool["key"], "choice": "always"})
    assert choices(chosen)[tool["key"]] == "always"
