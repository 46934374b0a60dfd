"""Calling a server's tool, and what it says, as text."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult, ContentBlock, TextContent

from assistant.models import ToolServer
from assistant.tools.servers import keeping


async def call(
    server: ToolServer, tool: str, arguments: dict[str, Any], *, person: int
) -> tuple[str, bool]:
    """What the tool said to this person, and whether it calls that an error.

    Raises:
        ToolFailed: it said nothing that could be handed on.
    """
    async with keeping.session(server, person) as session:
        result = await session.call(tool, arguments)
    return _text(result), result.is_error


def _text(result: CallToolResult) -> str:
    if result.content:
        return "\n".join(_part(part) for part in result.content)
    if result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "The tool returned nothing."


def _part(part: ContentBlock) -> str:
    if isinstance(part, TextContent):
        return part.text
    return f"[{part.type}: left out, since only text is read]"
