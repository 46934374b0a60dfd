"""What servers offer: asked now and then and kept, so that no answer waits for it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import Q
from django.utils import timezone
from mcp_types import Tool

from assistant.models import ToolServer
from assistant.models.tool import LONGEST_KEY
from assistant.texts import storable
from assistant.tools import schemas
from assistant.tools.errors import ServerGone, ToolFailed
from assistant.tools.servers import names, sessions

logger = logging.getLogger(__name__)

FRESH = timedelta(minutes=5)
# A server that did not answer is asked again sooner.
AGAIN = timedelta(minutes=1)
TIMEOUT_S = 20.0
MOST_TOOLS = 64
MOST_PAGES = 16
LONGEST_DESCRIPTION = 1_000
LARGEST_SCHEMA = 8_000
Listed = dict[str, Any]


def refresh() -> None:
    """Ask the servers whose listing is old; the task of Beat."""
    now = timezone.now()
    old = Q(tried_at=None) | Q(tried_at__lt=now - FRESH)
    troubled = ~Q(problem="") & Q(tried_at__lt=now - AGAIN)
    due = ToolServer.objects.filter(old | troubled, is_enabled=True)
    # Another worker may be asking the same ones.
    mine = [
        server
        for server in due
        if ToolServer.objects.filter(pk=server.pk, tried_at=server.tried_at).update(tried_at=now)
    ]
    for server, found in zip(mine, async_to_sync(_ask_all)(mine), strict=True):
        _keep(server, found)


def look(server: ToolServer) -> ToolServer:
    """Ask a server what it offers, and keep that, or why it did not say.

    What it offered before stays known, and is offered again once it answers.
    """
    _keep(server, async_to_sync(_ask)(server))
    server.refresh_from_db()
    return server


def _keep(server: ToolServer, found: Sequence[Listed] | ToolFailed) -> None:
    now = timezone.now()
    values: dict[str, Any] = {"tried_at": now}
    if isinstance(found, ToolFailed):
        complaint = f" Its last words: {found.last_words.strip()}" if found.last_words else ""
        values["problem"] = storable(f"{found}{complaint}")
        logger.warning("the tool server %s does not say what it offers", server.name)
    else:
        values |= {"listing": found, "listed_at": now, "problem": ""}
    # Changed meanwhile, it will be asked anew with what it is now.
    same = ToolServer.objects.filter(pk=server.pk, command=server.command, url=server.url)
    same.update(**values)


async def _ask_all(servers: Sequence[ToolServer]) -> list[Sequence[Listed] | ToolFailed]:
    """At once, since those that hang would hold up the others."""
    return await asyncio.gather(*map(_ask, servers))


async def _ask(server: ToolServer) -> Sequence[Listed] | ToolFailed:
    try:
        async with asyncio.timeout(min(TIMEOUT_S, server.timeout_s)):
            return await _listed(server)
    except TimeoutError:
        return ServerGone("The server does not answer in time.")
    except ToolFailed as error:
        return error


async def _listed(server: ToolServer) -> Sequence[Listed]:
    tools: list[Tool] = []
    cursor: str | None = None
    async with sessions.opened(server) as session:
        for _ in range(MOST_PAGES):
            page = await session.page(cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None or len(tools) >= MOST_TOOLS:
                break
    usable = [_kept(tool) for tool in tools[:MOST_TOOLS] if _is_usable(server, tool)]
    if len(usable) < len(tools):
        left_out = len(tools) - len(usable)
        logger.warning("%d tools of the server %s can't be offered", left_out, server.name)
    # One of a name: two could not be told apart when they are called.
    return list({tool["name"]: tool for tool in usable}.values())


def _is_usable(server: ToolServer, tool: Tool) -> bool:
    return (
        len(tool.name) > 0
        and tool.name == storable(tool.name)
        and len(names.key_of(server.pk, tool.name)) <= LONGEST_KEY
        and len(json.dumps(tool.input_schema)) <= LARGEST_SCHEMA
        and schemas.is_usable(tool.input_schema)
    )


def _kept(tool: Tool) -> Listed:
    description = " ".join((tool.description or tool.title or "").split())
    return {
        "name": tool.name,
        "description": storable(description)[:LONGEST_DESCRIPTION],
        "parameters": tool.input_schema,
    }
