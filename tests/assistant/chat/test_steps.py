"""Answers in steps: thoughts, tool calls and what tools say, against a scripted engine."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async

from assistant.chat import turns
from assistant.chat.wire import TextPart
from assistant.models import Allowance, Message, ToolCall, Trajectory, User
from assistant.tools import calling, offers
from tests import factories
from tests.assistant.chat.test_worker import generation_of, log_of, text_of, working
from tests.fakes import Answer, ScriptedEngine, tokens_of

pytestmark = pytest.mark.django_db(transaction=True)

SUM = ("calculator", '{"expression": "6 * 7"}')


@pytest.fixture(autouse=True)
def reasoning_model(monkeypatch):
    """The tiny text model passes for one that reasons and calls tools."""
    monkeypatch.setenv("DANAS_PROFILE", "kimi_k2")


@database_sync_to_async
def ask(text: str = "What is six times seven?", **asked):
    answer = uuid4()
    turns.send(
        factories.ada(),
        conversation=uuid4(),
        parent=None,
        message=uuid4(),
        answer=answer,
        parts=[TextPart(text=text)],
        asked=asked or {"uses_tools": True},
    )
    return answer


@database_sync_to_async
def parts_of(answer):
    return Message.objects.get(pk=answer).parts


@database_sync_to_async
def trajectory_of(answer):
    return Trajectory.objects.get(pk=answer)


def tools_in(log):
    return [(event.data["state"], event.data["result"]) for event in log if event.kind == "tool"]


async def test_what_is_thought_is_logged_apart_and_kept_apart(tokenizer):
    async with (
        ScriptedEngine([Answer("Forty-two.", reasoning="Six sevens.")]) as engine,
        working(engine, tokenizer),
    ):
        answer = await ask()
        log = await log_of(answer)

    thought = "".join(event.data["text"] for event in log if event.kind == "reasoning")
    assert thought == "Six sevens."
    assert text_of(log) == "Forty-two."
    kept = await parts_of(answer)
    assert [(part["type"], part["text"]) for part in kept] == [
        ("reasoning", "Six sevens."),
        ("text", "Forty-two."),
    ]


async def test_each_sampled_token_is_known_as_thought_or_said(tokenizer):
    async with (
        ScriptedEngine([Answer("Forty-two.", reasoning="Six sevens.")]) as engine,
        working(engine, tokenizer),
    ):
        answer = await ask()
        await log_of(answer)

    made = await trajectory_of(answer)
    # Six, sevens. and a mark; Forty-two. and the end.
    assert made.spans == [["reasoning", 0, 2], ["other", 2, 3], ["text", 3, 4], ["other", 4, 5]]
    assert len(made.sampled_token_ids) == len(made.logprobs) == 5
    assert made.prompt_token_ids == engine.prompts[0]


async def test_a_tool_that_needs_no_yes_is_run_and_its_result_read(tokenizer):
    async with (
        ScriptedEngine([Answer("", calls=(SUM,)), "It is 42."]) as engine,
        working(engine, tokenizer),
    ):
        answer = await ask()
        log = await log_of(answer)

    assert text_of(log) == "It is 42."
    assert tools_in(log)[-1] == ("done", "6 * 7 = 42")
    called, result = engine.completions[1].body["messages"][-2:]
    assert called["tool_calls"][0]["function"]["name"] == "calculator"
    assert result["role"] == "tool"
    assert "42" in result["content"]


async def test_what_a_tool_said_is_in_a_prompt_and_never_among_what_was_sampled(tokenizer):
    async with (
        ScriptedEngine([Answer("", calls=(SUM,)), "It is 42."]) as engine,
        working(engine, tokenizer),
    ):
        answer = await ask()
        await log_of(answer)

    made = await trajectory_of(answer)
    [earlier] = made.earlier
    assert earlier["prompt_token_ids"] == engine.prompts[0]
    assert made.prompt_token_ids == engine.prompts[1]
    assert made.sampled_token_ids == [token.id for token in tokens_of("It is 42.")]
    assert earlier["messages"][1]["content"] == "6 * 7 = 42"
    assert {kind for kind, _, _ in earlier["spans"]} == {"other"}


async def test_the_next_turn_still_knows_what_the_tool_said(tokenizer):
    async with (
        ScriptedEngine([Answer("", calls=(SUM,)), "It is 42.", "Yes."]) as engine,
        working(engine, tokenizer),
    ):
        answer = await ask()
        await log_of(answer)
        engine.play("Yes.")
        await log_of(await follow_up(answer))

    roles = [message["role"] for message in engine.completions[-1].body["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


@database_sync_to_async
def follow_up(answer):
    before, after = Message.objects.get(pk=answer), uuid4()
    turns.send(
        factories.ada(),
        conversation=before.conversation_id,
        parent=before.pk,
        message=uuid4(),
        answer=after,
        parts=[TextPart(text="Sure?")],
        asked={"uses_tools": True},
    )
    return after


@database_sync_to_async
def ask_first(key: str) -> None:
    offers.choose(factories.ada(), key, Allowance.ASK)


async def asked_call(answer):
    for _ in range(200):
        row = await database_sync_to_async(
            ToolCall.objects.filter(generation_id=answer, state="asked").first
        )()
        if row:
            return row
        await asyncio.sleep(0.05)
    raise AssertionError("no call waits")


@pytest.mark.parametrize(
    ("decision", "state", "said"),
    [("once", "done", "6 * 7 = 42"), ("no", "refused", "The person did not allow this call.")],
)
async def test_a_call_waits_for_its_person(tokenizer, decision, state, said):
    await ask_first("calculator")
    async with (
        ScriptedEngine([Answer("", calls=(SUM,)), "Very well."]) as engine,
        working(engine, tokenizer),
    ):
        answer = await ask()
        call = await asked_call(answer)
        assert len(engine.completions) == 1
        await decide(call, decision)
        log = await log_of(answer)

    assert tools_in(log)[0] == ("asked", None)
    assert tools_in(log)[-1] == (state, said)
    assert text_of(log) == "Very well."


@database_sync_to_async
def decide(call: ToolCall, decision: str) -> None:
    calling.decide(User.objects.get(username="ada"), call.pk, decision)


@database_sync_to_async
def stop(answer) -> None:
    turns.stop(User.objects.get(username="ada"), answer=answer)


async def test_a_policy_that_never_stops_calling_is_made_to_answer(tokenizer, settings):
    settings.TOOL_STEPS = 3
    async with ScriptedEngine([Answer("", calls=(SUM,))]) as engine, working(engine, tokenizer):
        answer = await ask()
        await log_of(answer)

    assert [request.body["tool_choice"] for request in engine.completions] == [
        "auto",
        "auto",
        "none",
    ]
    assert (await generation_of(answer)).status == "done"


async def test_an_answer_that_waits_for_a_yes_can_be_stopped(tokenizer):
    await ask_first("calculator")
    async with ScriptedEngine([Answer("", calls=(SUM,))]) as engine, working(engine, tokenizer):
        answer = await ask()
        await asked_call(answer)
        await stop(answer)
        log = await log_of(answer)

    assert log[-1].kind == "stopped"
    [tool] = [part for part in await parts_of(answer) if part["type"] == "tool"]
    assert tool["state"] == "expired"
