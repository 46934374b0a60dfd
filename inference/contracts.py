"""Frozen values that cross into and out of `inference`. Light: no Django, no ML library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self


class FinishReason(StrEnum):
    """Why the engine ended an answer; the values are the OpenAI API's."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. The defaults suit a 135M model; nothing else is assumed."""

    temperature: float = 0.2
    top_p: float = 0.9
    max_tokens: int = 512
    seed: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What an answer is sampled from: the base model, or an immutable adapter on it.

    `name` is the name under which the engine serves it; `path` is the adapter's address (a
    folder, or a URL that the engine fetches from; see `inference.storage`), None for the base;
    `digest` is the SHA-256 of the weights, empty for the base.
    """

    name: str
    path: str | None = None
    digest: str = ""


BASE_NAME = "base"
BASE = Policy(BASE_NAME)


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A picture in a message: which one, and its size in pixels, on which its tokens depend.

    `digest` is the SHA-256 of its bytes.
    """

    id: str
    digest: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as the policy wrote it; `arguments` is meant to be JSON, and may be anything."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the policy is told of it; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as the chat template takes it.

    Pictures stand before the text. `reasoning` and `calls` are the assistant's; a message of role
    `tool` is the result of the call `call_id`.
    """

    role: str
    content: str
    images: tuple[ImageRef, ...] = ()
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    call_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """`role`, `content`, and of the rest only what there is."""
        rest = {name: value for name, value in asdict(self).items() if value}
        return rest | {"role": self.role, "content": self.content}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        images = tuple(ImageRef(**image) for image in content.get("images", ()))
        calls = tuple(Call(**call) for call in content.get("calls", ()))
        return cls(**{**content, "images": images, "calls": calls})


@dataclass(frozen=True, slots=True)
class Chat:
    """A request that the engine itself puts into tokens: one with pictures or tools, one for a
    policy that reasons, or one whose answer must have a given form.

    `pictures` holds the bytes of the messages' images by digest, with their media type.
    `response_format` is OpenAI's; `template` is what the chat template is told besides, such as
    `enable_thinking`.
    """

    messages: tuple[ChatMessage, ...]
    pictures: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | dict[str, Any] = "auto"
    response_format: dict[str, Any] | None = None
    template: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """What the engine sent at once: some tokens, the text they complete, how likely each was.

    `logprobs` are natural logarithms under the distribution really sampled from (after
    temperature and top-p), one per token id. The text of an unfinished character is held back by
    the engine, so `text` can be empty while `token_ids` is not. Only the last delta of an answer
    has a `finish_reason`, and `calls`, where there are any. `prompt_token_ids` comes once, before
    the rest, where the engine has put the request into tokens itself.
    """

    text: str = ""
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    finish_reason: FinishReason | None = None
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    prompt_token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One whole sampled answer."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
