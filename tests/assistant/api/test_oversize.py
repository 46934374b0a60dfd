"""Bodies that are too large, before anybody has looked at who sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.api import oversize


@pytest.fixture(autouse=True)
def _limits(settings):
    # Eight messages of 10 bytes; an image and its form of 90 + 10,000.
    settings.MESSAGE_BYTES, settings.IMAGE_BYTES = 10, 90


async def answered(*pieces: bytes, length: bytes | None = None) -> tuple[list[Any], list[Any]]:
    """What the sender is sent, and what the application gets to hear."""
    heard: list[Any] = []
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([await receive() for _ in pieces])

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "headers": headers}
    await oversize.Bounded(application)(scope, receive, send)
    return sent, heard


async def test_a_body_that_says_it_is_too_large_is_not_read():
    sent, heard = await answered(b"x", length=b"10091")

    assert heard == []
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["error"]["code"] == "body_oversize"


async def test_a_body_that_says_nothing_is_cut_off():
    _, heard = await answered(b"x" * 10_000, b"x" * 91)

    assert heard[0]["body"] == b"x" * 10_000
    assert heard[1] == {"type": "http.disconnect"}


async def test_the_largest_body_goes_through():
    sent, heard = await answered(b"x" * 10_090, length=b"10090")

    assert sent == []
    assert len(heard[0]["body"]) == 10_090
