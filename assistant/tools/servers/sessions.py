"""A session with a server, from the start of its program or connection to the end of it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from anyio import ClosedResourceError
from django.conf import settings
from mcp import MCPError
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Implementation, ListToolsResult
from pydantic import ValidationError

from assistant.models import ToolServer
from assistant.tools.errors import NetworkRefused, ServerGone, ServerUnreachable, ToolFailed
from assistant.tools.servers import configuring, isolation, pipes, web

US = Implementation(name="danas", version="1")
Fate = pipes.Fate | web.Counter


@dataclass
class Session:
    """An open one. What goes wrong comes out as a `ToolFailed`, but for time-outs, which are the
    caller's."""

    client: Client
    fate: Fate

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        self.fate.received = 0
        try:
            with _worded(self.fate):
                return await self.client.call_tool(tool, arguments)
        except RuntimeError as error:
            # The library checks what a tool returns against what the tool says that it returns.
            raise ServerGone("The tool's answer is not what it says that it returns.") from error

    async def page(self, cursor: str | None) -> ListToolsResult:
        """Some of its tools, and where the next ones begin."""
        with _worded(self.fate):
            return await self.client.list_tools(cursor=cursor)


@asynccontextmanager
async def opened(server: ToolServer) -> AsyncIterator[Session]:
    """
    Raises:
        ToolFailed: with a sentence for the policy and the person.
    """
    fate: Fate = pipes.Fate() if server.transport == ToolServer.Transport.STDIO else web.Counter()
    try:
        with _worded(fate):
            async with AsyncExitStack() as stack:
                transport = await _transport(server, fate, stack)
                yield Session(await stack.enter_async_context(_client(transport, server)), fate)
    except ToolFailed as error:
        if isinstance(fate, pipes.Fate):
            error.last_words = fate.last_words.decode(errors="replace")
        raise


def _client(transport: Any, server: ToolServer) -> Client:
    # Longer than the caller's own limit, whose sentence is the better one.
    patience_s = server.timeout_s + 5
    return Client(transport, cache=None, client_info=US, read_timeout_seconds=patience_s)


async def _transport(server: ToolServer, fate: Fate, stack: AsyncExitStack) -> Any:
    secrets = configuring.secrets_of(server)
    if isinstance(fate, web.Counter):
        if not server.may_use_network:
            raise NetworkRefused("An administrator has not allowed this server the network.")
        client = web.client(secrets, server.timeout_s, fate)
        await stack.enter_async_context(client)
        return streamable_http_client(server.url, http_client=client)
    if not settings.TOOL_PROGRAMS:
        raise ServerUnreachable("Programs as tool servers are switched off here.")
    command = server.command
    if not server.may_use_network:
        command = isolation.without_network(command)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="danas-tool-"))
    return pipes.program(command, secrets, folder, fate)


@contextmanager
def _worded(fate: Fate) -> Iterator[None]:
    """The libraries' errors, in groups or alone, as ours."""
    try:
        yield
    except* ToolFailed as group:
        raise _first(group) from group
    except* (MCPError, httpx2.HTTPError, ClosedResourceError, ValidationError, OSError) as group:
        raise (fate.failure or _sentence(_first(group))) from group


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner


def _sentence(error: BaseException) -> ToolFailed:
    match error:
        case MCPError():
            return ServerGone(f"The server answered with an error: {error.error.message[:500]}")
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | OSError():
            return ServerUnreachable("The server can't be reached.")
        case ValidationError():
            return ServerGone("The server's answer is not what the protocol says.")
        case _:
            return ServerGone("The connection to the server broke.")
