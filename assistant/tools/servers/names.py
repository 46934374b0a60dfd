"""What a server's tool is called: to the policy, and in our tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from uuid import UUID

# What the OpenAI API allows in the name of a function.
LONGEST = 64
KEY = "mcp:"


def offered_as(server: str, tool: str, taken: Collection[str]) -> str:
    """`server__tool`, without characters that a name can't have, and unlike the others."""
    name = f"{server}__{re.sub(r'[^A-Za-z0-9_-]+', '_', tool)}"
    if len(name) > LONGEST or name in taken:
        tail = hashlib.sha256(tool.encode()).hexdigest()[:6]
        name = f"{name[: LONGEST - 7]}_{tail}"
    return name


def key_of(server: UUID, tool: str) -> str:
    return f"{KEY}{server}:{tool}"


def tool_of(key: str) -> str:
    """The server's own name of a tool with this key."""
    return key.split(":", 2)[2]
