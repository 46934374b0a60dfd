"""What a built-in tool is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from assistant.models import Conversation, User


class Arguments(BaseModel):
    """What a tool is called with: strings and numbers, which is all that `parameters` tells."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Use:
    """Who asks, and where. A tool that quotes messages, conversations or notes puts their ids into
    `quoted`, so that its result goes when they do."""

    person: User
    conversation: Conversation
    quoted: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Builtin:
    """`run` is synchronous, reads and writes what is `Use.person`'s alone, and may raise
    `ToolFailed` with a sentence for the policy.

    `writes`: the person is asked before each call, until they say otherwise. `knows`: it reads what
    the assistant knows of the person, which a temporary chat is kept from.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Use, Any], str]
    writes: bool = False
    knows: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """What arguments have to fit."""
        return self.arguments.model_json_schema()

    @property
    def parameters(self) -> dict[str, Any]:
        """What the policy is told of the arguments: no limits, since each costs room in the
        window of every answer, and who exceeds one is told so."""
        schema = self.schema
        properties = {
            name: {key: each[key] for key in ("type", "description") if key in each}
            for name, each in schema.get("properties", {}).items()
        }
        rest = {"required": schema["required"]} if "required" in schema else {}
        return {"type": "object", "properties": properties, **rest}
