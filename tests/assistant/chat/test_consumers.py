"""The socket of the web UI: who may connect, what is carried, what two tabs see."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser

from assistant.chat import events
from assistant.chat.consumers import ChatConsumer
from assistant.chat.events import LogEvent
from assistant.memory import forgetting
from assistant.models import Generation, Message, User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


class Tab:
    """A browser tab of someone, connected to the socket."""

    def __init__(self, person: User | AnonymousUser) -> None:
        self.socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/")
        self.socket.scope["user"] = person

    async def __aenter__(self) -> Tab:
        await self.socket.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.disconnect()

    async def ask(self, **command: Any) -> None:
        await self.socket.send_to(text_data=json.dumps(command, default=str))

    async def next(self, *types: str) -> dict[str, Any]:
        """The next notice of one of these types (any: the very next); others are passed over."""
        while True:
            notice = json.loads(await self.socket.receive_from(timeout=5))
            if not types or notice["type"] in types:
                return notice


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is asked for the person with every command; here it is whoever connected."""

    async def person_of(scope: dict[str, Any]) -> Any:
        return scope["user"]

    monkeypatch.setattr("assistant.chat.consumers.get_user", person_of)


ada, cy = sync_to_async(factories.ada), sync_to_async(factories.cy)


def hello(**values: Any) -> dict[str, Any]:
    return {
        "type": "send",
        "request": "r1",
        "conversation": uuid4(),
        "parent": None,
        "message": uuid4(),
        "answer": uuid4(),
        "parts": [{"type": "text", "text": "Hello"}],
        **values,
    }


@database_sync_to_async
def write(answer: UUID, *entries: LogEvent) -> None:
    """Play the worker: claim the answer and write these events."""
    Generation.objects.filter(pk=answer).update(status="running", worker="w")
    events.append({answer: list(entries)}, "w")
    events.publish({answer: list(entries)})


async def test_who_is_not_signed_in_is_shown_out():
    async with Tab(AnonymousUser()) as tab:
        closed = await tab.socket.receive_output(timeout=5)

    assert closed == {"type": "websocket.close", "code": 4401}


@pytest.mark.usefixtures("signed_in")
async def test_what_is_said_is_accepted_shown_and_answered():
    command = hello()
    async with Tab(await ada()) as tab:
        await tab.ask(**command)
        turn = await tab.next("turn")
        await write(command["answer"], LogEvent(1, "text", {"text": "Hi"}))
        event = await tab.next("event")

    said, answer = turn["messages"]
    assert said["parts"] == [{"type": "text", "text": "Hello"}]
    assert answer["answer"]["status"] == "queued"
    assert event == {
        "type": "event",
        "answer": str(command["answer"]),
        "seq": 1,
        "kind": "text",
        "data": {"text": "Hi"},
    }


@pytest.mark.usefixtures("signed_in")
async def test_a_second_tab_sees_the_turn_and_its_events():
    command = hello()
    async with Tab(await ada()) as first, Tab(await ada()) as second:
        await first.ask(**command)
        await first.next("turn")
        await second.ask(type="watch", request="w", conversation=command["conversation"])
        await second.next("accepted")
        again = hello(conversation=command["conversation"], parent=None)
        await first.ask(**again)
        turn = await second.next("turn")
        await write(again["answer"], LogEvent(1, "text", {"text": "Hi"}))
        event = await second.next("event")

    assert turn["messages"][1]["id"] == event["answer"] == str(again["answer"])


@pytest.mark.usefixtures("signed_in")
async def test_sending_again_after_a_lost_connection_says_nothing_twice():
    command = hello()
    async with Tab(await ada()) as tab:
        await tab.ask(**command)
        await tab.next("accepted")
    async with Tab(await ada()) as tab:
        await tab.ask(**command)
        await tab.next("accepted")

    assert await Message.objects.acount() == 2


@pytest.mark.usefixtures("signed_in")
async def test_replay_starts_after_what_was_seen():
    command = hello()
    async with Tab(await ada()) as tab:
        await tab.ask(**command)
        await tab.next("accepted")
    text = [LogEvent(seq, "text", {"text": str(seq)}) for seq in (1, 2, 3)]
    await write(command["answer"], *text)
    async with Tab(await ada()) as tab:
        await tab.ask(type="replay", request="r", answer=command["answer"], after=2)
        event = await tab.next("event")

    assert event["seq"] == 3


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"type": "watch", "request": "r", "conversation": uuid4()}, "not_found"),
        ({"type": "replay", "request": "r", "answer": uuid4(), "after": 0}, "not_found"),
        ({"type": "stop", "request": "r", "answer": uuid4()}, "not_found"),
        ({"type": "regenerate", "request": "r", "parent": uuid4(), "answer": uuid4()}, "not_found"),
        (hello(request="r", parts=[{"type": "text", "text": "  "}]), "message_empty"),
        (hello(request="r", model="gpt-9"), "unknown_model"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(command: dict[str, Any], code: str):
    async with Tab(await ada()) as tab:
        await tab.ask(**command)
        refused = await tab.next()

    assert (refused["type"], refused["request"], refused["code"]) == ("refused", "r", code)


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("kind", ["watch", "replay", "stop", "regenerate"])
async def test_someone_elses_ids_look_like_none(kind: str):
    answer = await database_sync_to_async(lambda: factories.served(factories.ada()))()
    fields = {
        "watch": {"conversation": answer.conversation_id},
        "replay": {"answer": answer.pk, "after": 0},
        "stop": {"answer": answer.pk},
        "regenerate": {"parent": answer.parent_id, "answer": uuid4()},
    }
    async with Tab(await cy()) as tab:
        await tab.ask(type=kind, request="r", **fields[kind])
        refused = await tab.next()

    assert refused["code"] == "not_found"


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("text", ["{", "[]", '{"type": "dance"}', '{"type": "send"}', "\0"])
async def test_a_malformed_command_is_named_and_the_socket_lives_on(text: str):
    async with Tab(await ada()) as tab:
        await tab.socket.send_to(text_data=text)
        refused = await tab.next()
        await tab.ask(**hello())
        accepted = await tab.next("accepted")

    assert refused["code"] == "malformed_message"
    assert accepted["request"] == "r1"


@pytest.mark.usefixtures("signed_in")
async def test_every_tab_of_its_owner_hears_of_a_message_deleted_and_brought_back():
    answer = await database_sync_to_async(lambda: factories.served(factories.ada()))()
    person = await ada()
    where = {"conversation": str(answer.conversation_id), "message": str(answer.pk)}
    async with Tab(person) as tab, Tab(await cy()) as stranger:
        await database_sync_to_async(forgetting.delete_message)(person, answer.pk)
        removed = await tab.next()
        await database_sync_to_async(forgetting.restore_message)(person, answer.pk)
        restored = await tab.next()
        is_told = not await stranger.socket.receive_nothing()

    assert removed == {"type": "removed", **where}
    assert restored == {"type": "restored", **where}
    assert not is_told


async def test_a_session_that_ended_ends_the_socket(monkeypatch: pytest.MonkeyPatch):
    async def nobody(scope: dict[str, Any]) -> AnonymousUser:
        return AnonymousUser()

    monkeypatch.setattr("assistant.chat.consumers.get_user", nobody)
    async with Tab(await ada()) as tab:
        await tab.ask(**hello())
        closed = await tab.socket.receive_output(timeout=5)

    assert closed == {"type": "websocket.close", "code": 4401}
    assert not await Message.objects.aexists()
