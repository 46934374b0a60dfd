"""What goes to and comes from vLLM's `/v1/chat/completions`, as plain values.

The engine puts the messages into tokens itself (its processor is needed for pictures) and takes
reasoning and tool calls apart with the parsers of the model's profile. It sends back the prompt's
ids and each sampled token's id and log-probability, so nothing is ever put into tokens twice.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from inference.contracts import (
    Call,
    Chat,
    ChatMessage,
    FinishReason,
    Sample,
    TokenDelta,
    ToolSpec,
)
from inference.errors import EngineInterrupted


def request(chat: Chat) -> dict[str, Any]:
    """The body's fields that say what is asked; those of sampling are the client's."""
    body: dict[str, Any] = {
        "messages": [_message(message, chat.pictures) for message in chat.messages],
        "logprobs": True,
        "top_logprobs": 0,
        "return_tokens_as_token_ids": True,
        "return_token_ids": True,
    }
    if chat.tools:
        body["tools"] = [offered(tool) for tool in chat.tools]
        body["tool_choice"] = chat.tool_choice
    if chat.response_format is not None:
        body["response_format"] = chat.response_format
    if chat.template:
        body["chat_template_kwargs"] = dict(chat.template)
    return body


def offered(tool: ToolSpec) -> dict[str, Any]:
    """A tool as OpenAI's API and the chat templates write it."""
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def _message(message: ChatMessage, pictures: Mapping[str, tuple[bytes, str]]) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        shown = [_image(*pictures[image.digest]) for image in message.images]
        text = [{"type": "text", "text": message.content}] if message.content else []
        said["content"] = [*shown, *text]
    if message.reasoning:
        said["reasoning"] = message.reasoning
    if message.calls:
        said["tool_calls"] = [_call(call) for call in message.calls]
    if message.call_id:
        said["tool_call_id"] = message.call_id
    return said


def _image(content: bytes, media_type: str) -> dict[str, Any]:
    encoded = base64.b64encode(content).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{encoded}"}}


def _call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(arguments_of(call))}
    return {"id": call.id, "type": "function", "function": function}


def arguments_of(call: Call) -> dict[str, Any]:
    """A call's arguments as templates want them; what is no JSON object is shown as it was."""
    try:
        read = json.loads(call.arguments or "{}")
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"unreadable": call.arguments}


class Reader:
    """Puts one answer together from the stream's documents, tool calls from their pieces."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, str]] = {}

    def read(self, document: dict[str, Any]) -> list[TokenDelta]:
        """What one document says. Calls come whole, with the end of the answer."""
        read = []
        if prompt := document.get("prompt_token_ids"):
            read.append(TokenDelta(prompt_token_ids=tuple(prompt)))
        for choice in document["choices"]:
            message = choice["delta"]
            self._gather(message.get("tool_calls") or ())
            reason = choice.get("finish_reason")
            if not choice.get("token_ids") and reason is None and not message.get("content"):
                continue
            read.append(
                TokenDelta(
                    text=message.get("content") or "",
                    token_ids=tuple(choice.get("token_ids") or ()),
                    logprobs=_logprobs(choice),
                    finish_reason=None if reason is None else FinishReason(reason),
                    reasoning=message.get("reasoning") or "",
                    calls=() if reason is None else self._whole_calls(),
                )
            )
        return read

    def _gather(self, pieces: Any) -> None:
        for piece in pieces:
            call = self._calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
            function = piece.get("function") or {}
            call["id"] = call["id"] or piece.get("id") or ""
            call["name"] = call["name"] or function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""

    def _whole_calls(self) -> tuple[Call, ...]:
        return tuple(Call(**call) for _, call in sorted(self._calls.items()))


def sample(choice: dict[str, Any]) -> Sample:
    """A whole answer out of a document that was not streamed.

    Raises:
        EngineInterrupted: it has no end.
    """
    message, reason = choice["message"], choice["finish_reason"]
    if reason is None:
        raise EngineInterrupted("The engine ended an answer without saying why.")
    calls = [
        Call(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    ]
    return Sample(
        message.get("content") or "",
        tuple(choice["token_ids"]),
        _logprobs(choice),
        FinishReason(reason),
        message.get("reasoning") or "",
        tuple(calls),
    )


def _logprobs(choice: dict[str, Any]) -> tuple[float, ...]:
    logprobs = choice.get("logprobs") or {}
    return tuple(float(entry["logprob"]) for entry in logprobs.get("content") or ())
