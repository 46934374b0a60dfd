"""The messages of `POST /v1/chat/completions`, as OpenAI's clients write them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.api.errors import RequestInvalid
from assistant.errors import ModelTextOnly
from assistant.texts import Text
from inference.contracts import Call, ChatMessage

DATA_URL = "data:"
BASE64 = ";base64"


class Lenient(BaseModel):
    """Unknown fields are ignored, as OpenAI's own API ignores a client's extras."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TextContent(Lenient):
    type: Literal["text"]
    text: Text


class ImageUrl(Lenient):
    url: str


class ImageContent(Lenient):
    type: Literal["image_url"]
    image_url: ImageUrl

    @property
    def content(self) -> bytes:
        """The picture's bytes, which come with the request: nothing is fetched from elsewhere."""
        head, comma, data = self.image_url.url.partition(",")
        if not comma or not head.startswith(DATA_URL) or not head.endswith(BASE64):
            raise RequestInvalid(
                "image_url: only pictures that are part of the request are taken,"
                " as data:image/…;base64,…",
                param="messages",
            )
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise RequestInvalid("image_url: that is not base64.", param="messages") from None


class OtherContent(Lenient):
    """Known, so that the refusal can say what it is."""

    type: Literal["input_audio", "file"]


ContentPart = Annotated[TextContent | ImageContent | OtherContent, Field(discriminator="type")]


class FunctionCall(Lenient):
    name: Text = Field(min_length=1, max_length=120)
    arguments: Text = ""


class ToolCallIn(Lenient):
    id: Text = Field(max_length=120)
    function: FunctionCall


class ChatMessageIn(Lenient):
    """`reasoning` is what vLLM calls it, `reasoning_content` others."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | list[ContentPart] | None = None
    reasoning: Text | None = None
    reasoning_content: Text | None = None
    tool_calls: list[ToolCallIn] | None = None
    tool_call_id: Text | None = Field(None, max_length=120)

    @property
    def text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        if others := [part.type for part in self.content if isinstance(part, OtherContent)]:
            raise ModelTextOnly(f"No model here reads {others[0]}; send the message without it.")
        return "\n".join(part.text for part in self.content if isinstance(part, TextContent))

    @property
    def pictures(self) -> list[bytes]:
        if self.content is None or isinstance(self.content, str):
            return []
        return [part.content for part in self.content if isinstance(part, ImageContent)]

    @property
    def as_chat(self) -> ChatMessage:
        """Without its pictures, which have to be taken in first."""
        calls = [
            Call(call.id, call.function.name, call.function.arguments)
            for call in self.tool_calls or ()
        ]
        return ChatMessage(
            "system" if self.role == "developer" else self.role,
            self.text,
            reasoning=self.reasoning or self.reasoning_content or "",
            calls=tuple(calls),
            call_id=self.tool_call_id or "",
        )


class FunctionIn(Lenient):
    name: Text = Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")
    description: Text = ""
    parameters: dict[str, Any] = Field(default_factory=dict)


class ToolIn(Lenient):
    type: Literal["function"]
    function: FunctionIn
