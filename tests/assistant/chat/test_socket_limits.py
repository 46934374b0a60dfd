"""What a socket may cost: messages a minute, the size of a frame, how many are open."""

from __future__ import annotations

from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from assistant import rates
from assistant.asgi import application
from assistant.chat import sockets
from assistant.models import Conversation
from tests import factories
from tests.assistant.chat.test_consumers import Tab, hello, signed_in  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
ada = sync_to_async(factories.ada)


@pytest.mark.usefixtures("signed_in")
async def test_a_message_too_many_is_refused_and_says_when_to_come_back(settings):
    settings.RATES = rates.parsed({"messages": "1/minute"})
    async with Tab(await ada()) as tab:
        await tab.ask(**hello())
        await tab.next("accepted")
        await tab.ask(**hello(request="r2", message=uuid4(), answer=uuid4(), conversation=uuid4()))
        refused = await tab.next("refused")

    assert (refused["request"], refused["code"]) == ("r2", "rate_limit_exceeded")
    assert refused["can_retry"]
    assert 1 <= refused["retry_after_s"] <= 60


@pytest.mark.usefixtures("signed_in")
async def test_a_frame_longer_than_any_command_ends_the_socket():
    async with Tab(await ada()) as tab:
        await tab.socket.send_to(text_data="x" * (sockets.longest_frame() + 1))
        closed = await tab.socket.receive_output(timeout=5)

    assert closed == {"type": "websocket.close", "code": 1009}


async def test_a_person_has_so_many_sockets_and_no_more(settings):
    settings.SOCKETS = 1
    person, before = await ada(), sockets.count()
    async with Tab(person), Tab(person) as second:
        closed = await second.socket.receive_output(timeout=5)
    async with Tab(person) as third:
        is_quiet = await third.socket.receive_nothing()

    assert closed == {"type": "websocket.close", "code": 4429}
    assert is_quiet
    assert sockets.count() == before


@pytest.mark.usefixtures("signed_in")
async def test_what_is_said_on_a_socket_too_many_is_not_heard(settings):
    settings.SOCKETS = 1
    person = await ada()
    async with Tab(person), Tab(person) as second:
        await second.ask(**hello())
        closed = await second.socket.receive_output(timeout=5)
        is_quiet = await second.socket.receive_nothing()

    assert closed["code"] == 4429
    assert is_quiet
    assert not await Conversation.objects.aexists()


@pytest.mark.parametrize(
    ("origin", "host", "is_let_in"),
    [
        (b"http://localhost:8000", b"localhost:8000", True),
        (b"https://danas.example", b"danas.example", True),
        (b"https://elsewhere.example", b"danas.example", False),
        # Cookies are sent across ports and names of one site, so these come with the session.
        (b"http://localhost:3000", b"localhost:8000", False),
        (b"https://evil.danas.example", b"danas.example", False),
        (b"http://danas.example.evil.example", b"danas.example", False),
        (b"null", b"danas.example", False),
        (b"http://[", b"danas.example", False),
        (b"", b"", False),
        (None, b"danas.example", False),
    ],
)
@pytest.mark.parametrize("allowed", [["localhost", "danas.example"], ["*"]])
async def test_pages_of_other_sites_get_no_socket(settings, origin, host, is_let_in, allowed):
    settings.ALLOWED_HOSTS = allowed
    headers = [(b"host", host), *([(b"origin", origin)] if origin is not None else [])]
    socket = WebsocketCommunicator(application, "/ws/chat/", headers=headers)

    connected, _ = await socket.connect()

    assert connected == is_let_in
    await socket.disconnect()


async def test_a_name_that_this_is_not_reached_by_gets_no_socket(settings):
    settings.ALLOWED_HOSTS = ["danas.example"]
    headers = [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
    socket = WebsocketCommunicator(application, "/ws/chat/", headers=headers)

    connected, _ = await socket.connect()

    assert not connected
