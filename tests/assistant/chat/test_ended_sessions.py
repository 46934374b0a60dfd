"""What becomes of open sockets when the session behind them is ended elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from assistant.accounts import passwords, roles, sessions
from assistant.chat.consumers import ChatConsumer
from assistant.models import BrowserSession, User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SIGNED_OUT = {"type": "websocket.close", "code": 4401}


def signed_in(person: User) -> str:
    """The key of a new session."""
    client = Client()
    client.force_login(person)
    return client.cookies["sessionid"].value


async def socket_of(person: User, key: str) -> WebsocketCommunicator:
    """An open socket, as the middleware hands it over."""
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/")
    socket.scope.update(user=person, session=SessionStore(key))
    await socket.connect()
    return socket


@database_sync_to_async
def two_browsers() -> tuple[User, str, str]:
    ada = factories.ada()
    return ada, signed_in(ada), signed_in(ada)


def sign_out_there(ada: User, there: str) -> None:
    sessions.end(ada, BrowserSession.objects.get(session_key=there).pk)


def sign_out_others(ada: User, there: str) -> None:
    here = BrowserSession.objects.exclude(session_key=there).get().session_key
    sessions.end_others(ada, here)


def change_password(ada: User, there: str) -> None:
    here = BrowserSession.objects.exclude(session_key=there).get().session_key
    passwords.change(ada, "another walk by the river", this=here)


@pytest.mark.parametrize("end", [sign_out_there, sign_out_others, change_password])
async def test_a_session_that_is_ended_elsewhere_closes_its_sockets_only(end: Any):
    ada, here, there = await two_browsers()
    open_here, open_there = await socket_of(ada, here), await socket_of(ada, there)

    await database_sync_to_async(end)(ada, there)

    assert await open_there.receive_output(timeout=5) == SIGNED_OUT
    assert await open_here.receive_nothing(timeout=0.2)
    await open_here.disconnect()


async def test_closing_an_account_closes_all_its_sockets():
    ada, here, there = await two_browsers()
    sockets = [await socket_of(ada, here), await socket_of(ada, there)]

    await database_sync_to_async(lambda: roles.change(factories.ann(), ada.pk, is_active=False))()

    assert [await socket.receive_output(timeout=5) for socket in sockets] == [SIGNED_OUT] * 2


async def end_unheard(key: str) -> None:
    """Nobody is told, as when Valkey is away."""
    await Session.objects.filter(session_key=key).adelete()


async def let_run_out(key: str) -> None:
    await Session.objects.filter(session_key=key).aupdate(expire_date=timezone.now())


@pytest.mark.parametrize("end", [end_unheard, let_run_out])
async def test_a_command_over_a_session_that_is_gone_is_not_carried_out(end: Any):
    ada, here, _ = await two_browsers()
    socket = await socket_of(ada, here)
    await end(here)

    await socket.send_json_to({"type": "watch", "request": "r1", "conversation": str(uuid4())})

    assert await socket.receive_output(timeout=5) == SIGNED_OUT
