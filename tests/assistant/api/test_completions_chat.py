"""`/v1/chat/completions` with pictures, thoughts, tools and forms, by the `openai` package."""

from __future__ import annotations

import base64

import openai
import pytest
from channels.db import database_sync_to_async

from assistant.models import Image, Message
from tests.fakes import Answer
from tests.pictures import picture

HELLO = [{"role": "user", "content": "Hello"}]
CLOCK = {
    "type": "function",
    "function": {
        "name": "clock",
        "description": "Says what time it is.",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}},
    },
}
CALL = Answer("", calls=(("clock", '{"zone": "Asia/Manila"}'),))


@pytest.fixture
def thinking(monkeypatch):
    monkeypatch.setenv("DANAS_PROFILE", "kimi_k2")


@pytest.fixture
def seeing(monkeypatch):
    monkeypatch.setenv("DANAS_PROFILE", "qwen3_vl")


def shown(content: bytes, text: str = "What colour is it?"):
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]
    return [{"role": "user", "content": parts}]


async def test_a_call_is_handed_to_the_caller(site, connect, thinking):
    async with site(CALL) as running:
        client, _ = await connect(running)
        answer = await client.chat.completions.create(model="danas", messages=HELLO, tools=[CLOCK])

    choice = answer.choices[0]
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert (call.function.name, call.function.arguments) == ("clock", '{"zone": "Asia/Manila"}')
    assert running.engine.completions[0].body["tools"] == [CLOCK]


async def test_a_streamed_call_comes_as_a_piece_with_an_index(site, connect, thinking):
    async with site(CALL) as running:
        client, _ = await connect(running)
        stream = await client.chat.completions.create(
            model="danas", messages=HELLO, tools=[CLOCK], stream=True
        )
        deltas = [chunk.choices[0].delta async for chunk in stream]

    [[call]] = [delta.tool_calls for delta in deltas if delta.tool_calls]
    assert (call.index, call.function.name) == (0, "clock")


async def test_what_the_caller_s_tool_said_is_read_by_the_policy(site, connect, thinking):
    said = {"id": "c", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    history = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [said]},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]
    async with site("It is noon.") as running:
        client, _ = await connect(running)
        answer = await client.chat.completions.create(
            model="danas", messages=history, tools=[CLOCK]
        )

    assert answer.choices[0].message.content == "It is noon."
    roles = [message["role"] for message in running.engine.completions[0].body["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]


async def test_thoughts_come_apart_from_the_answer(site, connect, thinking):
    async with site(Answer("Noon.", reasoning="The sun is high.")) as running:
        client, _ = await connect(running)
        answer = await client.chat.completions.create(model="danas", messages=HELLO)

    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == ("Noon.", "The sun is high.")


async def test_a_form_is_asked_of_the_engine(site, connect):
    form = {"type": "json_schema", "json_schema": {"name": "day", "schema": {"type": "object"}}}
    async with site('{"day": 3}') as running:
        client, _ = await connect(running)
        await client.chat.completions.create(model="danas", messages=HELLO, response_format=form)

    assert running.engine.completions[0].body["response_format"] == form


async def test_a_picture_is_kept_with_its_conversation_and_shown_to_the_policy(
    site, connect, seeing
):
    async with site("Red.") as running:
        client, _ = await connect(running)
        answer = await client.chat.completions.create(model="danas", messages=shown(picture()))

    assert answer.choices[0].message.content == "Red."
    image = await database_sync_to_async(Image.objects.get)()
    message = await database_sync_to_async(Message.objects.get)(role="user")
    assert image.conversation_id == message.conversation_id
    assert {"type": "image", "image": str(image.pk)} in message.parts
    [part] = [
        part
        for part in running.engine.completions[0].body["messages"][-1]["content"]
        if part["type"] == "image_url"
    ]
    assert part["image_url"]["url"].startswith(f"data:{image.media_type};base64,")


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (shown(b"no picture"), "image_unreadable"),
        ([{**HELLO[0], "content": shown(picture())[0]["content"] * 5}], "images_too_many"),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}],
                }
            ],
            "invalid",
        ),
    ],
)
async def test_a_picture_that_cannot_be_taken_is_refused_with_its_reason(
    site, connect, seeing, messages, code
):
    async with site("Red.") as running:
        client, _ = await connect(running)
        with pytest.raises(openai.APIStatusError) as refused:
            await client.chat.completions.create(model="danas", messages=messages)

    assert refused.value.status_code < 500
    assert refused.value.code == code
    assert not await database_sync_to_async(Message.objects.exists)()


async def test_tools_for_a_model_that_calls_none_are_refused(site, connect):
    async with site("Hello.") as running:
        client, _ = await connect(running)
        with pytest.raises(openai.BadRequestError, match="calls none"):
            await client.chat.completions.create(model="danas", messages=HELLO, tools=[CLOCK])
