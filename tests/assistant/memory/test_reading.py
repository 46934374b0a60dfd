"""After a turn the engine reads what was said: which of it will be asked for?"""

from __future__ import annotations

import math

import pytest
from channels.db import database_sync_to_async

from assistant.memory import reading, window
from assistant.models import Message
from inference import registry
from inference.client import EngineClient
from inference.diffusion import Diffusion, Window, admit
from inference.diffusion.marker import answers
from inference.diffusion.sentences import sentences
from learning import queue
from tests import factories
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)


@database_sync_to_async
def answered(tokenizer, text="I moved to Cebu. Nice."):
    message = factories.answer(factories.said(factories.conversation(factories.ada())))
    message.window.delete()
    shown = admit(Window("You are Danas."), "q", "user", text, tokenizer)
    window.save(message, window.Prepared(Diffusion(shown, (), (1,))), "Good.", tokenizer)
    return message


@database_sync_to_async
def put_into_use(path="/adapters/memory"):
    version = registry.stage(path, "0" * 64, registry.base(), {}, alias=registry.MEMORY_ALIAS)
    registry.accept(version)
    registry.activate(version.name, "a test", registry.MEMORY_ALIAS)
    return version


@database_sync_to_async
def needs_of(message: Message):
    return [block.needs for block in window.carried(message.pk).blocks]


async def fill_in(message, engine, tokenizer):
    async with EngineClient([engine.url], engine.key) as client:
        await reading.fill_in(message.pk, client, tokenizer)


async def test_every_sentence_gets_the_log_odds_of_yes_against_no(tokenizer):
    message = await answered(tokenizer)
    version = await put_into_use()
    async with ScriptedEngine() as engine:
        yes, no = answers(tokenizer.encode)
        engine.likeliest = {yes: math.log(0.8), no: math.log(0.1)}

        await fill_in(message, engine, tokenizer)

        assert engine.adapters == {version.name: version.path}
    eightfold = pytest.approx(math.log(8))
    assert await needs_of(message) == [(eightfold, eightfold), (eightfold,)]


async def test_what_was_read_once_is_not_read_again(tokenizer):
    message = await answered(tokenizer)
    await put_into_use()
    async with ScriptedEngine() as engine:
        await fill_in(message, engine, tokenizer)
        asked = len(engine.completions)

        await fill_in(message, engine, tokenizer)

        assert len(engine.completions) == asked


@pytest.fixture
def reader(monkeypatch):
    """A reward worker that finds all likely, and what it was asked to read."""
    asked = []

    async def needs(blocks, unread, timeout_s):
        asked.append([(block.role, block.text) for block in blocks if block.id in unread])
        return {b.id: [2.0] * len(sentences(b.text)) for b in blocks if b.id in unread}

    monkeypatch.setattr(queue, "needs", needs)
    return asked


async def test_without_an_adapter_the_reward_worker_reads(tokenizer, reader):
    message = await answered(tokenizer)
    async with ScriptedEngine() as engine:
        await fill_in(message, engine, tokenizer)
        await fill_in(message, engine, tokenizer)

        assert engine.requests == []
    assert reader == [[("user", "I moved to Cebu. Nice."), ("assistant", "Good.")]]
    assert await needs_of(message) == [(2.0, 2.0), (2.0,)]


async def test_a_reward_worker_that_does_not_answer_leaves_recency(tokenizer, monkeypatch):
    message = await answered(tokenizer)
    monkeypatch.setattr(reading, "PATIENCE_S", 0.1)
    async with ScriptedEngine() as engine:
        await fill_in(message, engine, tokenizer)

    assert await needs_of(message) == [(), ()]


async def test_an_engine_that_is_away_leaves_recency(tokenizer):
    message = await answered(tokenizer)
    await put_into_use()
    async with ScriptedEngine() as engine:
        await engine.die()

        await fill_in(message, engine, tokenizer)

    assert await needs_of(message) == [(), ()]


async def test_an_answer_that_is_gone_is_nothing_to_read(tokenizer):
    message = await answered(tokenizer)
    await put_into_use()
    await database_sync_to_async(Message.objects.filter(pk=message.pk).delete)()
    async with ScriptedEngine() as engine:
        await fill_in(message, engine, tokenizer)

        assert engine.completions == []
