"""Reading a request's body, with limits, before anything is made of it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.parser import Parser
from pydantic import BaseModel, ConfigDict

from assistant.api.errors import RequestInvalid

# A request may bring a whole history of messages, each as long as a message may be.
MESSAGES_PER_BODY = 8


class Body(BaseModel):
    """A body that takes exactly its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """What the API says."""

    model_config = ConfigDict(frozen=True)


class JsonParser(Parser):
    """Takes JSON and nothing else.

    A page of another site can send a form or plain text with the visitor's cookies, but not JSON.
    """

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise RequestInvalid(
                "Send the body with `Content-Type: application/json`.",
                code="unsupported_media_type",
                status=415,
            )
        most = MESSAGES_PER_BODY * settings.MESSAGE_BYTES
        if len(request.body) > most:
            raise RequestInvalid(
                f"The body has {len(request.body):,} bytes; at most {most:,} are taken.",
                code="body_oversize",
                status=413,
            )
        return super().parse_body(request)
