"""Bodies that are too large, refused before they are taken in.

Django writes a whole body to disk before any view, and so before it is known who sends it. Here the
declared length is looked at, and what comes is counted, for a length may be left out or a lie.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from assistant.api.bodies import MESSAGES_PER_BODY
from assistant.api.errors import body as error_body

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
# Around a file, a form has its boundary and a few headers.
FORM_BYTES = 10_000
# How long a sender that was refused may go on.
PATIENCE_S = 30.0


class Bounded:
    """The application, for requests whose bodies are not larger than anything that it takes."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = most_bytes()
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif _declared(scope) > most:
            await _refuse(receive, send, most)
        else:
            exchange = Exchange(receive, send, most)
            await self._application(scope, exchange.receive, exchange.send)
            if exchange.is_cut_off and not exchange.is_answered:
                await _refuse(receive, send, most)


class Exchange:
    """A request whose sender seems to have gone away, once more has come than is taken."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self._left = receive, send, most
        self.is_answered = False

    @property
    def is_cut_off(self) -> bool:
        return self._left < 0

    async def receive(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_cut_off else message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.is_answered = True
        await self._send(message)


def most_bytes() -> int:
    return max(settings.IMAGE_BYTES + FORM_BYTES, MESSAGES_PER_BODY * settings.MESSAGE_BYTES)


def _declared(scope: Scope) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(receive: Receive, send: Send, most: int) -> None:
    message = f"The body is too large; at most {most:,} bytes are taken."
    content = json.dumps(error_body(413, message, code="body_oversize")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await _pass_over(receive)
    await send({"type": "http.response.body"})


async def _pass_over(receive: Receive) -> None:
    """Take in what is on its way and keep none of it: a sender whose connection is closed while it
    sends sees that it broke, and not the answer."""
    while (await receive()).get("more_body"):
        pass
