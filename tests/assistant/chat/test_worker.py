"""The generation worker against a scripted engine, with real PostgreSQL and Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async

from assistant.chat import events, turns
from assistant.chat.events import LogEvent
from assistant.chat.wakeups import wake_workers
from assistant.chat.wire import TextPart
from assistant.chat.worker import GenerationWorker
from assistant.models import Generation, Message, Trajectory, User
from assistant.models import Window as WindowRow
from inference import registry
from inference.client import EngineClient
from inference.contracts import ChatMessage
from inference.tokenizer import ChatTokenizer
from learning.models import Answer as LearningAnswer
from tests import factories
from tests.fakes import Answer, Request, ScriptedEngine, tokens_of

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def working(engine: ScriptedEngine, tokenizer: ChatTokenizer) -> AsyncIterator[None]:
    """A generation worker, as long as the block lasts."""
    client = EngineClient([engine.url], engine.key)
    task = asyncio.create_task(GenerationWorker(client, tokenizer).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


@database_sync_to_async
def say(
    text: str = "Hello", *, after: Message | None = None, model: str = "danas", **consent: bool
) -> UUID:
    """Ada says something; the id of the answer to come."""
    answer = uuid4()
    turns.send(
        factories.ada(**consent),
        conversation=after.conversation_id if after else uuid4(),
        parent=after.pk if after else None,
        message=uuid4(),
        answer=answer,
        parts=[TextPart(text=text)],
        model=model,
    )
    return answer


async def log_of(answer: UUID) -> list[LogEvent]:
    async with asyncio.timeout(30), aclosing(events.follow(answer)) as log:
        return [event async for event in log]


def text_of(log: list[LogEvent]) -> str:
    return "".join(event.data["text"] for event in log if event.kind == "text")


def answered(engine: ScriptedEngine) -> list[Request]:
    """The requests for answers, without those that ask what is worth remembering."""
    return [request for request in engine.completions if request.body.get("stream")]


@database_sync_to_async
def generation_of(answer: UUID) -> Generation:
    return Generation.objects.select_related("message", "message__conversation").get(pk=answer)


async def until(answer: UUID, seq: int) -> None:
    """Wait until an answer's log has come this far."""
    async with asyncio.timeout(30), aclosing(events.follow(answer)) as log:
        async for event in log:
            if event.seq >= seq:
                return


async def test_an_answer_is_streamed_logged_and_ended(tokenizer: ChatTokenizer):
    async with ScriptedEngine(["Rain is water that falls."]) as engine:
        answer = await say("What is rain?")
        async with working(engine, tokenizer):
            log = await log_of(answer)

    generation = await generation_of(answer)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert [log[0].kind, log[-2].kind, log[-1].kind] == ["start", "usage", "done"]
    assert text_of(log) == generation.message.text == "Rain is water that falls."
    assert generation.status == Generation.Status.DONE


async def test_the_trajectory_is_what_the_engine_saw_and_sampled(tokenizer: ChatTokenizer):
    async with ScriptedEngine(["Rain is water."]) as engine:
        answer = await say("What is rain?")
        async with working(engine, tokenizer):
            await log_of(answer)
        request = engine.completions[0]

    trajectory = await Trajectory.objects.aget(pk=answer)
    sampled = tokens_of("Rain is water.")
    assert trajectory.prompt_token_ids == request.prompt
    assert trajectory.sampled_token_ids == [token.id for token in sampled]
    assert trajectory.logprobs == [token.logprob for token in sampled]
    assert trajectory.policy == request.model == "base"
    assert trajectory.sampling["temperature"] == request.body["temperature"]
    assert "What is rain?" in tokenizer.decode(request.prompt)


async def test_the_next_turn_remembers_the_last_one(tokenizer: ChatTokenizer):
    async with ScriptedEngine(["Ada.", "You said it."]) as engine, working(engine, tokenizer):
        first = await say("My name is Ada Lovelace")
        await log_of(first)
        second = await say("Who am I?", after=(await generation_of(first)).message)
        await log_of(second)
        prompt = tokenizer.decode(answered(engine)[-1].prompt)

    assert "My name is Ada Lovelace" in prompt
    assert prompt.index("Ada.") < prompt.index("Who am I?")


async def test_a_branch_remembers_its_own_past_only(tokenizer: ChatTokenizer):
    async with ScriptedEngine(["one", "two", "three"]) as engine, working(engine, tokenizer):
        first = await say("Name a colour")
        await log_of(first)
        parent = (await generation_of(first)).message.parent_id
        other = uuid4()
        regenerate = database_sync_to_async(turns.regenerate)
        await regenerate(await ada(), parent=parent, answer=other)
        await log_of(other)
        third = await say("Go on", after=(await generation_of(other)).message)
        await log_of(third)
        prompt = tokenizer.decode(answered(engine)[-1].prompt)

    assert "two" in prompt
    assert "one" not in prompt


@database_sync_to_async
def ada() -> User:
    return factories.ada()


async def test_the_window_never_exceeds_its_limit(tokenizer: ChatTokenizer, settings):
    settings.WINDOW_TOKENS = 200
    async with ScriptedEngine(["word " * 60]) as engine, working(engine, tokenizer):
        last = None
        for number in range(6):
            answer = await say(f"Turn {number}: " + "talk " * 40, after=last)
            await log_of(answer)
            last = (await generation_of(answer)).message
        longest = max(len(request.prompt) for request in answered(engine))

    row = await WindowRow.objects.aget(message=last)
    assert longest <= 200
    assert row.used_tokens <= row.limit_tokens == 200
    assert any(change["action"] == "forgotten" for change in row.changes)


async def test_after_an_answer_room_is_made_for_the_next_turn(tokenizer: ChatTokenizer, settings):
    settings.WINDOW_TOKENS = 200
    await put_an_adapter_that_reads_into_use()
    async with ScriptedEngine(["word " * 20]) as engine, working(engine, tokenizer):
        last = None
        for number in range(3):
            answer = await say(f"Turn {number}: " + "talk " * 40, after=last)
            await log_of(answer)
            last = (await generation_of(answer)).message
        async with asyncio.timeout(30):
            while not (await WindowRow.objects.aget(message=last)).blocks["changes"]:
                await asyncio.sleep(0.02)


@database_sync_to_async
def put_an_adapter_that_reads_into_use() -> None:
    version = registry.stage("/adapters/m", "0" * 64, registry.base(), {}, alias="memory")
    registry.accept(version)
    registry.activate(version.name, "a test", registry.MEMORY_ALIAS)


async def test_a_message_larger_than_the_window_is_refused_with_the_numbers(
    tokenizer: ChatTokenizer, settings
):
    settings.WINDOW_TOKENS = 100
    async with ScriptedEngine() as engine, working(engine, tokenizer):
        answer = await say("word " * 500)
        log = await log_of(answer)

    assert [event.kind for event in log] == ["error"]
    assert log[0].data["code"] == "message_too_long"
    assert "100" in log[0].data["message"]
    assert (await generation_of(answer)).status == Generation.Status.FAILED


async def test_a_dead_engine_is_an_error_that_can_be_retried(tokenizer: ChatTokenizer):
    async with ScriptedEngine() as engine:
        await engine.die()
        async with working(engine, tokenizer):
            answer = await say()
            log = await log_of(answer)

    assert log[-1].data["code"] == "engine_unavailable"
    assert log[-1].data["can_retry"]


async def test_what_was_streamed_before_the_engine_died_stays(tokenizer: ChatTokenizer):
    async with ScriptedEngine([Answer("one two three four", dies_after=2)]) as engine:
        answer = await say()
        async with working(engine, tokenizer):
            log = await log_of(answer)

    generation = await generation_of(answer)
    assert generation.status == Generation.Status.INTERRUPTED
    assert generation.message.text == text_of(log) == "one two"
    assert log[-1].data["can_retry"]


async def test_stop_ends_the_answer_and_the_engines_work(tokenizer: ChatTokenizer):
    async with ScriptedEngine([Answer("word " * 500, pace_s=0.02)]) as engine:
        answer = await say()
        async with working(engine, tokenizer):
            await until(answer, 3)
            await database_sync_to_async(turns.stop)(await ada(), answer=answer)
            log = await log_of(answer)
            request = engine.completions[0]
            async with asyncio.timeout(30):
                while not request.aborted:
                    await asyncio.sleep(0.02)

    generation = await generation_of(answer)
    assert log[-1].kind == "stopped", log[-1]
    assert generation.status == Generation.Status.STOPPED
    assert generation.message.text == text_of(log)
    assert await Trajectory.objects.filter(pk=answer, finish_reason="stopped").aexists()


async def test_an_answer_is_stopped_however_often_its_worker_is_told(tokenizer: ChatTokenizer):
    async with ScriptedEngine([Answer("word " * 500, pace_s=0.02)]) as engine:
        answer = await say()
        async with working(engine, tokenizer):
            await until(answer, 3)
            await database_sync_to_async(turns.stop)(await ada(), answer=answer)
            for _ in range(30):
                wake_workers(answer)
            log = await log_of(answer)

    assert log[-1].kind == "stopped", log[-1]
    assert (await generation_of(answer)).status == Generation.Status.STOPPED


async def test_a_worker_that_is_told_to_end_leaves_no_answer_open(tokenizer: ChatTokenizer):
    async with ScriptedEngine([Answer("word " * 500, pace_s=0.02)]) as engine:
        answer = await say()
        async with working(engine, tokenizer):
            await until(answer, 3)
        log = await log_of(answer)

    assert (await generation_of(answer)).status == Generation.Status.INTERRUPTED
    assert log[-1].data["can_retry"]
    assert [event.seq for event in log] == list(range(1, len(log) + 1))


async def test_an_adapter_that_a_restarted_engine_lost_is_loaded_again(
    tokenizer: ChatTokenizer, tmp_path
):
    version = await live_adapter(str(tmp_path))
    async with ScriptedEngine(["Hello."]) as engine, working(engine, tokenizer):
        answer = await say()
        log = await log_of(answer)
        loaded = dict(engine.adapters)

    assert loaded == {version: str(tmp_path)}
    assert log[0].data["policy"] == version
    assert log[-1].kind == "done"
    assert (await Trajectory.objects.aget(pk=answer)).policy == version


@database_sync_to_async
def live_adapter(path: str) -> str:
    version = registry.stage(path, "ab" * 32, registry.base(), {})
    registry.accept(version)
    registry.activate(version.name, by="test")
    return version.name


async def test_an_answer_of_a_consenting_person_is_handed_to_learning(tokenizer: ChatTokenizer):
    async with ScriptedEngine() as engine, working(engine, tokenizer):
        answer = await say(training=True)
        await log_of(answer)

    assert await LearningAnswer.objects.filter(pk=answer).aexists()


async def test_an_answer_without_consent_stays_with_the_person(tokenizer: ChatTokenizer):
    async with ScriptedEngine() as engine, working(engine, tokenizer):
        answer = await say(training=False)
        await log_of(answer)

    assert not await LearningAnswer.objects.aexists()


async def test_two_workers_make_each_answer_once(tokenizer: ChatTokenizer):
    async with ScriptedEngine() as engine:
        answers = [await say(f"Question {number}") for number in range(10)]
        async with working(engine, tokenizer), working(engine, tokenizer):
            logs = [await log_of(answer) for answer in answers]
        asked = len(answered(engine))

    assert all(log[-1].kind == "done" for log in logs)
    assert asked == 10


async def test_a_request_with_its_own_history_is_answered_from_that(tokenizer: ChatTokenizer):
    answer = uuid4()
    chat = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
    async with ScriptedEngine() as engine, working(engine, tokenizer):
        complete = database_sync_to_async(turns.complete)
        await complete(
            await ada(), answer=answer, chat=chat, model="base", sampling={"max_tokens": 3}
        )
        log = await log_of(answer)
        request = engine.completions[0]

    assert request.prompt == tokenizer.prompt_ids(chat)
    assert request.body["max_tokens"] == 3
    assert log[-1].kind == "done"
