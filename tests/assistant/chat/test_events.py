"""The log of an answer: contiguous, owned by one writer, readable from any point."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from assistant.chat import broadcast, events
from assistant.chat.events import LogEvent
from assistant.models import Generation
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def running(worker: str = "w") -> Generation:
    message = factories.answer(
        factories.said(factories.conversation(factories.ada())), status="running"
    )
    Generation.objects.filter(pk=message.pk).update(worker=worker, heartbeat_at=timezone.now())
    return Generation.objects.select_related("message").get(pk=message.pk)


def text(seq: int, words: str) -> LogEvent:
    return LogEvent(seq, "text", {"text": words})


DONE = {"finish_reason": "stop"}


def test_several_answers_are_written_in_one_go():
    one, two = running(), running()

    mine = events.append({one.pk: [text(1, "a"), text(2, "b")], two.pk: [text(1, "c")]}, "w")

    assert mine == {one.pk: False, two.pk: False}
    assert events.read(one.pk) == [text(1, "a"), text(2, "b")]
    assert events.read(two.pk) == [text(1, "c")]


def test_a_stop_request_comes_back_with_the_next_write():
    generation = running()
    Generation.objects.filter(pk=generation.pk).update(stop_requested=True)

    assert events.append({generation.pk: []}, "w") == {generation.pk: True}


def test_a_worker_cannot_write_to_an_answer_that_is_not_its_own():
    generation = running("someone else")

    mine = events.append({generation.pk: [text(1, "late")]}, "w")

    assert mine == {}
    assert events.read(generation.pk) == []


def test_a_silent_workers_answer_ends_as_interrupted_with_its_text_kept():
    generation = running()
    events.append({generation.pk: [text(1, "Once "), text(2, "upon")]}, "w")
    long_ago = timezone.now() - timedelta(seconds=events.STALE_AFTER_S + 1)
    Generation.objects.filter(pk=generation.pk).update(heartbeat_at=long_ago)

    settled = events.settle_stale()

    generation.refresh_from_db()
    assert settled == 1
    assert generation.status == Generation.Status.INTERRUPTED
    assert generation.message.text == "Once upon"
    assert [event.seq for event in events.read(generation.pk)] == [1, 2, 3]
    assert events.append({generation.pk: [text(3, "too late")]}, "w") == {}


def test_an_answer_ends_once():
    generation = running()

    first = events.close(generation, Generation.Status.DONE, [LogEvent(1, "done", DONE)])
    second = events.close(generation, Generation.Status.FAILED, [LogEvent(2, "error", {})])

    assert (first, second) == ([LogEvent(1, "done", DONE)], [])


publish = database_sync_to_async(events.publish)


async def follow(answer: UUID, after: int = 0) -> list[LogEvent]:
    async with aclosing(events.follow(answer, after)) as log:
        return [event async for event in log]


async def test_following_replays_and_then_goes_on():
    generation = await database_sync_to_async(running)()
    await database_sync_to_async(events.append)({generation.pk: [text(1, "a")]}, "w")
    reader = asyncio.create_task(follow(generation.pk))
    await asyncio.sleep(0)

    await write_and_tell(generation, [text(2, "b")])
    await end(generation, LogEvent(3, "done", DONE))

    assert await reader == [text(1, "a"), text(2, "b"), LogEvent(3, "done", DONE)]


async def test_following_from_a_point_leaves_out_what_was_seen():
    generation = await database_sync_to_async(running)()
    await write_and_tell(generation, [text(1, "a"), text(2, "b")])
    await end(generation, LogEvent(3, "done", DONE))

    assert [event.seq for event in await follow(generation.pk, after=2)] == [3]


async def test_what_was_told_twice_is_read_once():
    generation = await database_sync_to_async(running)()
    reader = asyncio.create_task(follow(generation.pk))
    await asyncio.sleep(0.05)

    await write_and_tell(generation, [text(1, "a")])
    await publish({generation.pk: [text(1, "a")]})
    await end(generation, LogEvent(2, "done", DONE))

    assert [event.seq for event in await reader] == [1, 2]


async def test_what_was_never_told_is_read_from_the_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "PATIENCE_S", 0.05)
    generation = await database_sync_to_async(running)()
    reader = asyncio.create_task(follow(generation.pk))

    append = database_sync_to_async(events.append)
    await append({generation.pk: [text(1, "a"), text(2, "b")]}, "w")
    await end(generation, LogEvent(3, "done", DONE), tell=False)

    assert [event.seq for event in await reader] == [1, 2, 3]


async def test_a_hole_in_what_was_told_is_filled_from_the_log():
    generation = await database_sync_to_async(running)()
    reader = asyncio.create_task(follow(generation.pk))
    await asyncio.sleep(0.05)

    append = database_sync_to_async(events.append)
    await append({generation.pk: [text(1, "a"), text(2, "b"), text(3, "c")]}, "w")
    await publish({generation.pk: [text(3, "c")]})
    await end(generation, LogEvent(4, "done", DONE))

    assert [event.seq for event in await reader] == [1, 2, 3, 4]


async def test_a_reader_that_leaves_is_told_no_more():
    generation = await database_sync_to_async(running)()
    await write_and_tell(generation, [text(1, "a")])

    async with aclosing(events.follow(generation.pk)) as log:
        assert await anext(log) == text(1, "a")
        assert broadcast._receiver().followers == 1

    assert broadcast._receiver().followers == 0


async def write_and_tell(generation: Generation, entries: list[LogEvent]) -> None:
    await database_sync_to_async(events.append)({generation.pk: entries}, "w")
    await publish({generation.pk: entries})


async def end(generation: Generation, event: LogEvent, *, tell: bool = True) -> None:
    close = database_sync_to_async(events.close)
    last = await close(generation, Generation.Status.DONE, [event])
    if tell:
        await publish({generation.pk: last})
