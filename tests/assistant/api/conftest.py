"""The website on a real port, with a generation worker and a scripted engine behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import openai
import pytest
import uvicorn
from channels.db import database_sync_to_async

from assistant.accounts import keys
from assistant.asgi import application
from assistant.chat.worker import GenerationWorker
from inference.client import EngineClient
from inference.contracts import ChatMessage, ToolSpec
from tests import factories
from tests.fakes import Answer, ScriptedEngine

START_S = 10.0


class Words:
    """A tokenizer whose tokens are words; each message costs one more."""

    end_ids = frozenset({2})

    def encode(self, text: str) -> list[int]:
        return [3 + len(word) for word in text.split()]

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [len(self.encode(text)) for text in texts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [word.span() for word in re.finditer(r"\S+", text)]

    def prompt_ids(self, messages: Sequence[ChatMessage], *_: object) -> list[int]:
        return [token for each in messages for token in (1, *self.encode(each.content))]

    def harmless_tool(self, tool: ToolSpec) -> ToolSpec:
        return tool

    def harmless(self, message: ChatMessage) -> ChatMessage:
        return message


@dataclass
class Site:
    """A running website; `engine` says what it says and records what it was asked."""

    url: str
    engine: ScriptedEngine


@asynccontextmanager
async def _serving() -> AsyncIterator[str]:
    config = uvicorn.Config(application, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(START_S):
            while not server.started:
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def _working(engine: ScriptedEngine) -> AsyncIterator[None]:
    client = EngineClient([engine.url], engine.key)
    task = asyncio.create_task(GenerationWorker(client, Words()).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


@pytest.fixture
def site(transactional_db: None) -> Callable[..., object]:
    """`async with site("Hello there.") as running:` — see tests.fakes for what can be scripted."""

    @asynccontextmanager
    async def running(*answers: Answer | str) -> AsyncIterator[Site]:
        said = answers or ("Hello there.",)
        async with ScriptedEngine(said) as engine, _working(engine), _serving() as url:
            yield Site(url, engine)

    return running


@pytest.fixture
def make_key(transactional_db):
    return database_sync_to_async(lambda who=factories.ada: keys.create(who()))


@pytest.fixture
async def connect(make_key):
    """An `openai` client, and a plain one for what that client would not send."""
    async with AsyncExitStack() as stack:

        async def connect(running, who=factories.ada):
            key = await make_key(who)
            headers = {"Authorization": f"Bearer {key}"}
            plain = httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30)
            client = openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)
            await stack.enter_async_context(plain)
            return await stack.enter_async_context(client), plain

        yield connect
