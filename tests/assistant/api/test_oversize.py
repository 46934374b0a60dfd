"""Bodies that are too large, before anybody has looked at who sends them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from channels.db import database_sync_to_async

from assistant.accounts import keys
from assistant.api import oversize
from assistant.models import Image
from tests import factories
from tests.pictures import noise

PIECE = b"x" * 10_000


@pytest.fixture(autouse=True)
def _limits(settings):
    # Eight messages of 10 bytes; an image and its form of 90 + 10,000.
    settings.MESSAGE_BYTES, settings.IMAGE_BYTES = 10, 90


async def answered(*pieces: bytes, length: bytes | None = None) -> tuple[list[Any], list[Any]]:
    """What the sender is sent, and what the application gets to hear."""
    heard: list[Any] = []
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

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
    sent, heard = await answered(b"x" * 10_000, b"x" * 91)

    assert heard[0]["body"] == b"x" * 10_000
    assert heard[1] == {"type": "http.disconnect"}
    assert sent[0]["status"] == 413


async def test_the_largest_body_goes_through():
    sent, heard = await answered(b"x" * 10_090, length=b"10090")

    assert sent == []
    assert len(heard[0]["body"]) == 10_090


async def in_pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE
        # So that an answer that comes early is seen while there is more to send.
        await asyncio.sleep(0)


@pytest.mark.parametrize("path", ["/v1/images", "/v1/chat/completions", "/v1/nothing", "/"])
@pytest.mark.parametrize("declared", [{}, {"Content-Length": "5000000"}], ids=["chunked", "said"])
async def test_the_sender_of_a_large_body_is_told_so_by_the_real_server(site, path, declared):
    async with site() as running, httpx.AsyncClient(base_url=running.url) as sender:
        response = await sender.post(path, content=in_pieces(500), headers=declared)

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_oversize"


@pytest.mark.parametrize(("spare", "status"), [(0, 200), (-1, 413)])
async def test_an_image_may_be_exactly_as_large_as_the_limit(
    site, settings, tmp_path, spare, status
):
    content = noise()
    settings.FILES, settings.IMAGE_BYTES = str(tmp_path), len(content) + spare
    key = await database_sync_to_async(lambda: keys.create(factories.ada()))()

    async with site() as running, httpx.AsyncClient(base_url=running.url) as sender:
        response = await sender.post(
            "/v1/images",
            files={"file": ("photo.png", content, "image/png")},
            headers={"Authorization": f"Bearer {key}"},
        )

    assert response.status_code == status
    assert await Image.objects.acount() == (1 if status == 200 else 0)
