"""Nobody reaches what is someone else's, by whatever id and whichever way: checked for each.

The ways are read from the OpenAPI document and from the socket's commands, so a new one without a
row in tenancy.py fails here.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.test import Client

from assistant.chat.consumers import ChatConsumer
from assistant.models import User
from learning import queue
from tests import factories
from tests.assistant.api import tenancy
from tests.assistant.api.tenancy import CALLS, COMMANDS, OPEN, Call, World

# When a key, a session or a person was last seen.
SEEN = {"used_at", "seen_at", "last_login"}
each_call = pytest.mark.parametrize("call", CALLS, ids=str)
each_command = pytest.mark.parametrize(
    "command",
    COMMANDS,
    ids=lambda each: " ".join(key for key, value in each.items() if "$" in str(value)),
)


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ask_catch_up", lambda: None)
    monkeypatch.setattr(queue, "reward_version_of", lambda *_: None)


def rows() -> dict[str, list[str]]:
    """Everything in the database, but for who was seen when."""
    return {model.__name__: _rows(model) for model in apps.get_models()}


def _rows(model: type[Model]) -> list[str]:
    fields = [field.attname for field in model._meta.concrete_fields if field.name not in SEEN]
    return [str(row) for row in model._base_manager.order_by("pk").values_list(*fields)]


def ask(client: Client, call: Call, named: World) -> tuple[int, Any]:
    """Status and body, with the ids taken out of it."""
    body = tenancy.filled(call.body, named)
    request = getattr(client, call.method)
    path = call.path(named)
    response = (
        request(path) if body is None else request(path, body, content_type="application/json")
    )
    said = b"".join(response) if response.streaming else response.content
    text = said.decode(errors="replace")
    for value in named.values():
        text = re.sub(rf"\b{re.escape(value)}\b", "$", text)
    return response.status_code, text


def test_every_id_of_the_api_is_tried():
    tried = {(call.operation, key) for call in CALLS for key in {**call.ids, **(call.body or {})}}

    missing = [place for place in tenancy.places() if place[0] not in OPEN and place not in tried]

    assert not missing, f"add calls with these ids to tenancy.py: {missing}"


def test_every_id_of_a_command_is_tried():
    tried = {(command["type"], key) for command in COMMANDS for key in command}

    missing = [place for place in tenancy.places_of_commands() if place not in tried]

    assert not missing, f"add commands with these ids to tenancy.py: {missing}"


@pytest.mark.django_db
@each_call
def test_a_strangers_request_is_answered_as_if_there_were_nothing(call: Call):
    ada = tenancy.world(factories.ada())
    cy = factories.caller(factories.cy())
    before = rows()

    with_adas, with_nobodys = ask(cy, call, ada), ask(cy, call, tenancy.nothing(ada))

    # Members are told that something takes another role before anything is looked up.
    assert with_adas[0] in {404, 403}
    assert with_adas == with_nobodys
    assert rows() == before


@pytest.mark.django_db
@each_call
def test_who_is_not_signed_in_is_told_nothing_but_that(call: Call, client: Client):
    ada = tenancy.world(factories.ada())
    before = rows()

    status, _ = ask(client, call, ada)

    assert status == 401
    assert rows() == before


@pytest.mark.django_db
@pytest.mark.parametrize("call", [call for call in CALLS if call.owner], ids=str)
def test_who_it_belongs_to_is_let_in(call: Call):
    ada = tenancy.world(factories.ada())
    owner = getattr(factories, call.owner or "")()

    status, said = ask(factories.caller(owner), call, ada)

    assert status < 300, said


@pytest.mark.django_db(transaction=True)
@each_command
async def test_a_strangers_command_is_refused_and_does_nothing(
    command: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    ada, cy = await database_sync_to_async(_ada_and_cy)()
    monkeypatch.setattr("assistant.chat.consumers.get_user", _whoever_connected)
    before = await database_sync_to_async(rows)()

    refused, more = await _command(cy, tenancy.filled(command, ada))

    # That an id is taken has to be said to who chose it.
    assert (refused["type"], refused["request"]) == ("refused", "r1")
    assert refused["code"] in {"not_found", "identifier_taken"}
    assert not more
    assert await database_sync_to_async(rows)() == before


async def test_without_a_session_no_command_is_heard():
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/")
    socket.scope["user"] = AnonymousUser()

    await socket.connect()

    assert (await socket.receive_output(timeout=5))["code"] == 4401


def _ada_and_cy() -> tuple[World, User]:
    return tenancy.world(factories.ada()), factories.cy()


async def _whoever_connected(scope: dict[str, Any]) -> Any:
    return scope["user"]


async def _command(person: User, command: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The notice that answers a command, and whether anything came after it."""
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/")
    socket.scope["user"] = person
    await socket.connect()
    await socket.send_to(text_data=json.dumps({"request": "r1", **command}))
    notice = json.loads(await socket.receive_from(timeout=5))
    is_quiet = await socket.receive_nothing(timeout=0.2)
    await socket.disconnect()
    return notice, not is_quiet
