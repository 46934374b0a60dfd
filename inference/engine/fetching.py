"""The engine fetches adapters itself: what is loaded by an address elsewhere, vLLM finds here.

ASGI middleware of vLLM's server (`--middleware`), outermost, before vLLM looks at the key: so a
request without it is left alone and refused further in. An adapter is fetched and its digest
compared before vLLM hears of it. What was fetched for a name goes when the name is unloaded.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from inference.errors import InferenceError
from inference.storage import Storage, is_local

LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Fetching:
    """Replaces an address by the folder that it was fetched to. Of one event loop."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._key = os.environ["VLLM_API_KEY"]
        cache = Path(tempfile.gettempdir()) / f"adapters-{os.getpid()}"
        options = json.loads(os.environ.get("DANAS_STORAGE_OPTIONS") or "{}")
        self._storage = Storage(str(cache), cache, options)
        self._fetched: dict[str, Path] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in (LOAD, UNLOAD):
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if isinstance(document, dict) and self._may(scope):
            if scope["path"] == UNLOAD:
                await self._app(scope, _said(body), self._forgetting(document, send))
                return
            try:
                body = json.dumps(await self._with_folder(document)).encode()
            except InferenceError as error:
                await _refuse(send, error)
                return
        await self._app(_with_length(scope, len(body)), _said(body), send)

    async def _with_folder(self, document: dict[str, Any]) -> dict[str, Any]:
        """The request as vLLM takes it. Raises what `Storage.fetch` raises."""
        document = dict(document)
        address, digest = document.get("lora_path"), document.pop("digest", "")
        if isinstance(address, str) and address:
            folder = await asyncio.to_thread(self._storage.fetch, address, digest)
            if not is_local(address):
                self._fetched[str(document.get("lora_name"))] = folder
            document["lora_path"] = str(folder)
        return document

    def _forgetting(self, document: dict[str, Any], send: Send) -> Send:
        """Tells what vLLM says, and drops the fetched folder when the name is gone."""
        name = str(document.get("lora_name"))

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 404):
                folder = self._fetched.pop(name, None)
                if folder is not None and folder not in self._fetched.values():
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            await send(message)

        return tell

    def _may(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self._key}".encode())


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _said(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _with_length(scope: Scope, length: int) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}


async def _refuse(send: Send, error: InferenceError) -> None:
    """In the shape of vLLM's own errors."""
    status = 503 if error.can_retry else 400
    body = json.dumps({"error": {"message": str(error), "type": error.code, "code": status}})
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
