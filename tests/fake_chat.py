"""How the scripted engine speaks `/v1/chat/completions`: see `tests.fakes`.

A prompt's token is a word of what was sent, each picture sixteen tokens of their own. The mark at
the end of a thought, and each tool call, are tokens without text.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

PICTURE = 7
PICTURE_TOKENS = 16
CALL_IDS = 40_000


def prompt_of(body: dict[str, Any]) -> list[int]:
    """Ids for a chat's messages and tools, the same for the same."""
    ids: list[int] = []
    for message in body["messages"]:
        content = message.get("content") or ""
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "image_url":
                ids += [PICTURE] * PICTURE_TOKENS
            else:
                ids += _words(f"{message['role']} {part['text']}")
        ids += _words(json.dumps(message.get("tool_calls") or ""))
    return ids + _words(json.dumps(body.get("tools") or ""))


def _words(text: str) -> list[int]:
    return [10 + zlib.crc32(word.encode()) % 40_000 for word in text.split()]


def thought(text: str, tokens_of: Callable[[str], list[Any]]) -> list[Any]:
    """The tokens of a thought, its end mark without text; none where nothing is thought."""
    if not text:
        return []
    return [replace(token, text="", reasoning=token.text) for token in tokens_of(text)]


def called(calls: Iterable[tuple[str, str]], token: Callable[..., Any]) -> list[Any]:
    """Two tokens a call: its name, then its arguments, as vLLM streams them in pieces."""
    tokens = []
    for index, (name, arguments) in enumerate(calls):
        first = {"index": index, "id": f"call-{index}", "type": "function"}
        begin = first | {"function": {"name": name, "arguments": ""}}
        rest = {"index": index, "function": {"arguments": arguments}}
        tokens.append(token("", CALL_IDS + 2 * index, -0.1, "", begin))
        tokens.append(token("", CALL_IDS + 2 * index + 1, -0.2, "", rest))
    return tokens


def opening(prompt: list[int]) -> dict[str, Any]:
    delta = {"role": "assistant", "content": ""}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    return {"object": "chat.completion.chunk", "choices": [choice], "prompt_token_ids": prompt}


def stream_choice(tokens: Sequence[Any], reason: str | None, index: int = 0) -> dict[str, Any]:
    delta: dict[str, Any] = {}
    if text := "".join(token.text for token in tokens):
        delta["content"] = text
    if reasoning := "".join(token.reasoning for token in tokens):
        delta["reasoning"] = reasoning
    if calls := [token.call for token in tokens if token.call]:
        delta["tool_calls"] = calls
    return {"index": index, "delta": delta, **_measured(tokens), "finish_reason": reason}


def whole_choice(tokens: Sequence[Any], reason: str, index: int = 0) -> dict[str, Any]:
    pieces = [token.call for token in tokens if token.call]
    calls = [
        begin | {"function": begin["function"] | rest["function"]}
        for begin, rest in zip(pieces[::2], pieces[1::2], strict=True)
    ]
    message = {
        "role": "assistant",
        "content": "".join(token.text for token in tokens) or None,
        "reasoning": "".join(token.reasoning for token in tokens) or None,
        "tool_calls": calls,
    }
    return {"index": index, "message": message, **_measured(tokens), "finish_reason": reason}


def _measured(tokens: Sequence[Any]) -> dict[str, Any]:
    named = [{"token": f"token_id:{t.id}", "logprob": t.logprob} for t in tokens]
    return {"logprobs": {"content": named}, "token_ids": [token.id for token in tokens]}
