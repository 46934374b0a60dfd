"""Bodies that are too large, refused before they are taken in.

Django writes a whole body to disk before any view, and so before it is known who sends it. Here the
declared length is looked at, and what comes is counted, for a length may be left out or a lie.
"""

from __future__ import annotations

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


class Bounded:
    """The application, for requests whose bodies are not larger than anything that it takes."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = most_bytes()
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif _declared(scope) > most:
            await _refuse(send, most)
        else:
            await self._application(scope, _counted(receive, most), send)


def most_bytes() -> int:
    return max(settings.IMAGE_BYTES + FORM_BYTES, MESSAGES_PER_BODY * settings.MESSAGE_BYTES)


def _declared(scope: Scope) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


def _counted(receive: Receive, most: int) -> Receive:
    """As if the sender had gone away, once more has come than is taken."""
    taken = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > most else message

    return counted


async def _refuse(send: Send, most: int) -> None:
    message = f"The body is too large; at most {most:,} bytes are taken."
    content = json.dumps(error_body(413, message, code="body_oversize")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        # What is on its way is not read.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": content})
