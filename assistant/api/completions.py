"""`POST /v1/chat/completions`, for OpenAI's clients.

The answer is made by a generation worker and read here from its log, like the browser reads it. A
client that goes away therefore stops nothing: the answer is finished and stays in the log.

One hop to a thread reads the key and writes the rows; from then on a request costs one JSON string
per event.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from channels.db import database_sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from assistant import rates
from assistant.abilities import of_model
from assistant.accounts.keys import Caller
from assistant.api.auth import Claims, caller_of
from assistant.api.chat_request import ChatRequest
from assistant.api.errors import STATUS_OF_CODE, AnswerFailed, RequestInvalid
from assistant.api.errors import body as error_body
from assistant.chat import events, turns
from assistant.chat.events import LogEvent
from assistant.chat.steps import YOURS
from assistant.chat.wire import ImagePart, TextPart
from assistant.errors import ImagesTooMany, ModelTextOnly, NotFound
from assistant.images import uploads
from assistant.library import titles
from assistant.models import Conversation, Generation, Image, Message, Scope, User
from inference.contracts import FinishReason
from inference.diffusion.prompt import TOOL

router = Router(tags=["chat"])

# How long the status waits for the first words, so that an error at the start has its own status.
PATIENCE_S = 10.0
DONE = b"data: [DONE]\n\n"
LAST_ROLES = (Message.Author.USER, TOOL)

Log = AsyncGenerator[LogEvent, None]


@router.post("/chat/completions", auth=Claims(Scope.CHAT), summary="Chat")
async def create(request: HttpRequest, body: ChatRequest) -> HttpResponseBase:
    """OpenAI-compatible. `model` is `danas` (live), `base`, or a version's name."""
    answer = uuid4()
    async with AsyncExitStack() as stack:
        # Before anything is asked for, so that no event is missed and none has to be looked up.
        log = await stack.enter_async_context(events.expect(answer))
        generation = await database_sync_to_async(_begin)(request, body, answer)
        reply = Reply(generation, wants_usage=body.wants_usage)
        if not body.stream:
            async for event in log:
                reply.take(event)
            return HttpResponse(reply.whole(), content_type="application/json")
        first = await _first_words(reply, log)
        chunks = _chunks(reply, log, first, stack.pop_all())
    return _event_stream(chunks)


def _begin(request: HttpRequest, body: ChatRequest, answer: UUID) -> Generation:
    caller = caller_of(request)
    caller.needs(Scope.CHAT)
    rates.spend_request(rates.Kind.MESSAGES, caller.person.pk, request)
    chat, can = body.chat, of_model()
    if chat[-1].role not in LAST_ROLES:
        raise RequestInvalid(
            "messages: the last one has to be the user's, or a tool's.", param="messages"
        )
    asked = body.asked(can)
    with transaction.atomic() if any(body.pictures) else nullcontext():
        images = _taken_in(caller.person, body.pictures, can.images)
        if body.conversation is not None:
            return _go_on(caller, body.conversation, body, answer, asked, images[-1])
        return turns.complete(
            caller.person,
            answer=answer,
            chat=[
                replace(message, images=tuple(map(uploads.reference, shown)))
                for message, shown in zip(chat, images, strict=True)
            ],
            model=body.model,
            sampling=body.sampling,
            asked=asked,
        )


def _taken_in(person: User, pictures: list[list[bytes]], most: int) -> list[list[Image]]:
    """The pictures of each message, kept.

    Raises:
        ModelTextOnly: the model sees none.
        ImagesTooMany, ImageOversize, ImageUnreadable: they can't be taken.
    """
    count = sum(map(len, pictures))
    if count and not most:
        raise ModelTextOnly("This model reads text only; send the message without the rest.")
    if count > most:
        raise ImagesTooMany(f"This model takes at most {most} images in a request.")
    return [[uploads.take_in(person, content) for content in shown] for shown in pictures]


@transaction.atomic
def _go_on(
    caller: Caller,
    conversation: UUID,
    body: ChatRequest,
    answer: UUID,
    asked: dict[str, Any],
    images: list[Image],
) -> Generation:
    """Say the last message after the newest answer of a stored conversation."""
    where = Conversation.objects.filter(pk=conversation, owner=caller.person).first()
    if where is None:
        raise NotFound("There is no such conversation.")
    text = body.chat[-1].content
    if not where.title:
        Conversation.objects.filter(pk=where.pk).update(title=titles.by_rule(text))
    answers = where.messages.filter(role=Message.Author.ASSISTANT).order_by("-created_at")
    return turns.send(
        caller.person,
        conversation=where.pk,
        parent=answers.values_list("pk", flat=True).first(),
        message=uuid4(),
        answer=answer,
        parts=[TextPart(text=text), *(ImagePart(image=image.pk) for image in images)],
        model=body.model,
        sampling=body.sampling,
        asked=asked,
    )


class Reply:
    """An answer's log, event by event, as OpenAI's objects."""

    def __init__(self, generation: Generation, *, wants_usage: bool) -> None:
        self._generation = generation
        self._policy = generation.model
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._usage: dict[str, Any] = {}
        self._finish = FinishReason.STOP
        self._wants_usage = wants_usage
        self._head = b""
        # OpenAI sends a null in every chunk before the one that has the figures.
        self._tail = b',"usage":null}\n\n' if wants_usage else b"}\n\n"

    def take(self, event: LogEvent) -> None:
        """For the answer in one piece. Raises AnswerFailed at an error."""
        match event.kind:
            case "text":
                self._texts.append(event.data["text"])
            case "reasoning":
                self._thoughts.append(event.data["text"])
            case "tool":
                self._calls += _calls_of(event)
            case "error":
                raise AnswerFailed(event.data)
            case _:
                self._note(event)

    def whole(self) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        if self._thoughts:
            message["reasoning"] = message["reasoning_content"] = "".join(self._thoughts)
        if self._calls:
            message["tool_calls"] = self._calls
            message["content"] = message["content"] or None
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        return json.dumps(
            {**self._frame("chat.completion"), "choices": [choice], "usage": self._usage}
        ).encode()

    def chunk(self, event: LogEvent) -> bytes:
        """For the answer as a stream; empty where there is nothing to say."""
        match event.kind:
            case "text":
                words = json.dumps(event.data["text"]).encode()
                return self._delta(b'{"content":' + words + b"}")
            case "reasoning":
                words = json.dumps(event.data["text"]).encode()
                return self._delta(
                    b'{"reasoning":' + words + b',"reasoning_content":' + words + b"}"
                )
            case "tool":
                return b"".join(map(self._call_chunk, _calls_of(event)))
            case "done" | "stopped":
                self._note(event)
                finish = json.dumps(self._finish).encode()
                return self._delta(b"{}", finish) + self._usage_chunk() + DONE
            case "error":
                data = event.data
                status = STATUS_OF_CODE.get(data["code"], 500)
                wrong = error_body(status, data["message"], code=data["code"])
                return b"data: " + json.dumps(wrong).encode() + b"\n\n"
            case _:
                self._note(event)
                return b""

    def _call_chunk(self, call: dict[str, Any]) -> bytes:
        piece = {"index": len(self._calls), **call}
        self._calls.append(call)
        return self._delta(json.dumps({"tool_calls": [piece]}).encode())

    def _note(self, event: LogEvent) -> None:
        match event.kind:
            case "start":
                self._policy = event.data["policy"]
            case "usage":
                prompt, completion = (
                    event.data["prompt_tokens"],
                    event.data["completion_tokens"],
                )
                self._usage = {
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "total_tokens": prompt + completion,
                }
            case "done":
                self._finish = FinishReason(event.data["finish_reason"])

    def _delta(self, delta: bytes, finish: bytes = b"null") -> bytes:
        opening = b""
        if not self._head:
            frame = json.dumps(self._frame("chat.completion.chunk"), separators=(",", ":"))
            self._head = b"data: " + frame[:-1].encode() + b',"choices":[{"index":0,"delta":'
            opening = self._delta(b'{"role":"assistant","content":""}')
        return opening + self._head + delta + b',"finish_reason":' + finish + b"}]" + self._tail

    def _usage_chunk(self) -> bytes:
        if not self._wants_usage:
            return b""
        chunk = {**self._frame("chat.completion.chunk"), "choices": [], "usage": self._usage}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def _frame(self, kind: str) -> dict[str, Any]:
        return {
            "id": str(self._generation.pk),
            "object": kind,
            "created": int(self._generation.created_at.timestamp()),
            "model": self._policy,
            "conversation": str(self._generation.message.conversation_id),
        }


def _calls_of(event: LogEvent) -> list[dict[str, Any]]:
    """A call that the caller is to run; those that were run here are not theirs to see as one."""
    data = event.data
    if data["state"] != YOURS:
        return []
    arguments = data["arguments"]
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": data["name"], "arguments": written}
    return [{"id": data["id"], "type": "function", "function": function}]


async def _first_words(reply: Reply, log: Log) -> asyncio.Future[bytes]:
    """Wait for the first chunk, but not for ever.

    Raises:
        AnswerFailed: it failed before it had said anything.
    """
    first = asyncio.ensure_future(_first_chunk(reply, log))
    try:
        await asyncio.wait({first}, timeout=PATIENCE_S)
    except asyncio.CancelledError:
        await _cancel(first)
        raise
    if first.done():
        first.result()
    return first


async def _first_chunk(reply: Reply, log: Log) -> bytes:
    async for event in log:
        if event.kind == "error":
            raise AnswerFailed(event.data)
        if chunk := reply.chunk(event):
            return chunk
    raise AssertionError("a log ends with done, stopped or error")


async def _chunks(
    reply: Reply, log: Log, first: asyncio.Future[bytes], stack: AsyncExitStack
) -> AsyncIterator[bytes]:
    """The stream's body; it closes the log when it ends or its reader goes away."""
    async with stack:
        try:
            while not first.done():
                yield b": waiting\n\n"
                await asyncio.wait({first}, timeout=PATIENCE_S)
            yield first.result()
            async for event in log:
                if chunk := reply.chunk(event):
                    yield chunk
        except AnswerFailed as error:
            yield reply.chunk(LogEvent(0, "error", error.data))
        finally:
            await _cancel(first)


async def _cancel(task: asyncio.Future[bytes]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _event_stream(chunks: AsyncIterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    # Some proxies collect a response before they pass it on.
    response["X-Accel-Buffering"] = "no"
    return response
