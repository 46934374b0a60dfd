"""`manage.py exportschema FILE`: the HTTP API and the socket's messages as one OpenAPI document.

The frontend generates its types from it, so a change in the server's schemas is a type error there.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from pydantic import TypeAdapter

from assistant.api.api import api
from assistant.api.errors import codes
from assistant.chat.wire import COMMAND, Notice

REFERENCE = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """Ninja's document; `Command`, `Notice` and `ErrorCode` are added to its components."""
    # A round trip through JSON, since Ninja's document holds objects of its own.
    openapi: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    unions, definitions = TypeAdapter.json_schemas(
        [
            ("Command", "serialization", COMMAND),
            ("Notice", "serialization", TypeAdapter(Notice)),
        ],
        ref_template=REFERENCE,
    )
    schemas = openapi.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    schemas.update({name: schema for (name, _), schema in unions.items()})
    schemas["ErrorCode"] = {"type": "string", "enum": codes()}
    return openapi


class Command(BaseCommand):
    help = "Write the OpenAPI document, with the socket's messages, to FILE."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        file.write_text(json.dumps(document(), indent=1) + "\n")
