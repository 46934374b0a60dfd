"""Chats that the engine puts into tokens itself: pictures, thoughts, tool calls."""

from __future__ import annotations

import base64

import pytest

from inference.client import EngineClient
from inference.contracts import (
    BASE,
    Call,
    Chat,
    ChatMessage,
    FinishReason,
    ImageRef,
    Sampling,
    ToolSpec,
)
from tests.fakes import Answer, ScriptedEngine, tokens_of

HELLO = Chat((ChatMessage("user", "Hello?"),))
CLOCK = ToolSpec("clock", "Says what time it is.", {"type": "object", "properties": {}})


@pytest.fixture
async def engine():
    async with ScriptedEngine() as engine:
        yield engine


@pytest.fixture
async def client(engine):
    async with EngineClient([engine.url], engine.key) as client:
        yield client


async def deltas_of(client, chat=HELLO, sampling=Sampling()):  # noqa: B008
    return [delta async for delta in client.chat(chat, sampling, BASE)]


async def test_a_chat_gives_the_prompts_ids_first_and_then_the_answers_tokens(engine, client):
    engine.play("Good day.")

    first, *rest = await deltas_of(client)

    assert list(first.prompt_token_ids) == engine.prompts[0]
    assert "".join(delta.text for delta in rest) == "Good day."
    assert [i for delta in rest for i in delta.token_ids] == [t.id for t in tokens_of("Good day.")]
    assert [p for d in rest for p in d.logprobs] == [t.logprob for t in tokens_of("Good day.")]
    assert rest[-1].finish_reason is FinishReason.STOP


async def test_what_is_thought_is_told_apart_from_what_is_said(engine, client):
    engine.play(Answer("Paris.", reasoning="France, so"))

    deltas = await deltas_of(client)

    assert "".join(delta.reasoning for delta in deltas) == "France, so"
    assert "".join(delta.text for delta in deltas) == "Paris."
    # France, - so - its end mark - Paris. - the end.
    assert len([i for delta in deltas for i in delta.token_ids]) == 5


async def test_calls_come_whole_with_the_end_of_the_answer(engine, client):
    engine.play(Answer("", calls=(("clock", '{"zone": "Asia/Manila"}'), ("clock", "{}"))))

    *rest, last = await deltas_of(client)

    assert last.finish_reason is FinishReason.TOOL_CALLS
    assert last.calls == (
        Call("call-0", "clock", '{"zone": "Asia/Manila"}'),
        Call("call-1", "clock", "{}"),
    )
    assert not any(delta.calls for delta in rest)


async def test_pictures_tools_and_form_are_sent_as_the_engine_wants_them(engine, client):
    image = ImageRef("i", "d", 2, 1)
    chat = Chat(
        (
            ChatMessage("user", "What is it?", images=(image,)),
            ChatMessage("assistant", "", reasoning="Hm.", calls=(Call("c", "clock", "{broken"),)),
            ChatMessage("tool", "noon", call_id="c"),
        ),
        pictures={"d": (b"bytes", "image/png")},
        tools=(CLOCK,),
        response_format={"type": "json_object"},
        template={"enable_thinking": False},
    )

    await deltas_of(client, chat)

    body = engine.completions[0].body
    shown, said = body["messages"][0]["content"]
    assert shown["image_url"]["url"] == (
        "data:image/png;base64," + base64.b64encode(b"bytes").decode()
    )
    assert said == {"type": "text", "text": "What is it?"}
    [call] = body["messages"][1]["tool_calls"]
    assert call["function"] == {"name": "clock", "arguments": '{"unreadable": "{broken"}'}
    assert body["messages"][1]["reasoning"] == "Hm."
    assert body["messages"][2] == {"role": "tool", "content": "noon", "tool_call_id": "c"}
    assert body["tools"][0]["function"]["name"] == "clock"
    assert body["tool_choice"] == "auto"
    assert body["response_format"] == {"type": "json_object"}
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_several_answers_to_a_chat_come_with_the_prompts_ids(engine, client):
    engine.play(Answer("One.", reasoning="Hm."), Answer("", calls=(("clock", "{}"),)))

    prompt, samples = await client.sample_chat(HELLO, Sampling(), BASE, n=2)

    assert list(prompt) == engine.prompts[0]
    assert [sample.text for sample in samples] == ["One.", ""]
    assert samples[0].reasoning == "Hm."
    assert samples[1].calls == (Call("call-0", "clock", "{}"),)


def test_a_message_as_json_has_no_more_in_it_than_there_is():
    plain = ChatMessage("user", "Hello")
    rich = ChatMessage(
        "assistant", "", (ImageRef("i", "d", 2, 1),), "Hm.", (Call("c", "clock", "{}"),)
    )

    assert plain.to_json() == {"role": "user", "content": "Hello"}
    assert ChatMessage.from_json(plain.to_json()) == plain
    assert ChatMessage.from_json(rich.to_json()) == rich
