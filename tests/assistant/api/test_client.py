"""The researchers' client against the running website."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import danas
import pytest
from channels.db import database_sync_to_async

from assistant.accounts import keys, people
from assistant.trajectories import lines
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def prepare(count):
    answers = [factories.served(factories.ada(), f"Answer {n}.") for n in range(count)]
    return keys.create(factories.rho()), answers


@asynccontextmanager
async def cutting(url, after):
    """A way to the website whose first connection breaks after so many bytes."""
    target = urlsplit(url)
    left = [after]

    async def carry(reader, writer):
        up_reader, up_writer = await asyncio.open_connection(target.hostname, target.port)
        up = asyncio.create_task(_copy(reader, up_writer))
        limit, left[0] = left[0], None
        await _copy(up_reader, writer, limit)
        up.cancel()
        writer.close()
        up_writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _copy(reader, writer, limit=None):
    while (chunk := await reader.read(500)) and (limit is None or limit > 0):
        writer.write(chunk)
        await writer.drain()
        limit = None if limit is None else limit - len(chunk)


def pulled(url, key, **how):
    with danas.Client(url, key, pause_s=0.01) as client:
        return list(client.iter_trajectories(**how))


async def test_a_pull_whose_connection_breaks_goes_on_and_repeats_nothing(site, monkeypatch):
    monkeypatch.setattr(lines, "FIRST_ROWS", 2)
    key, answers = await database_sync_to_async(prepare)(20)

    async with site() as running, cutting(running.url, after=6000) as url:
        rows = await asyncio.to_thread(pulled, url, key)

    assert [row["trajectory_id"] for row in rows] == [str(answer.pk) for answer in answers]


async def test_a_checkpoint_goes_on_where_the_last_run_ended(site, tmp_path):
    key, answers = await database_sync_to_async(prepare)(3)
    file = tmp_path / "native.checkpoint"

    async with site() as running:
        first = await asyncio.to_thread(pulled, running.url, key, since=file)
        nothing = await asyncio.to_thread(pulled, running.url, key, since=file)
        await database_sync_to_async(answers[0].conversation.delete)()
        then = await asyncio.to_thread(pulled, running.url, key, since=file)

    assert (len(first), nothing) == (3, [])
    assert [(row["op"], row["trajectory_id"]) for row in then] == [
        ("tombstone", str(answers[0].pk))
    ]
    assert json.loads(file.read_text())["cursor"] == then[-1]["cursor"]
    assert list(tmp_path.iterdir()) == [file]
    assert len(list(danas.newest([*first, *then]))) == 2


async def test_who_dies_before_a_first_checkpoint_is_told_of_what_went_meanwhile(site, tmp_path):
    key, answers = await database_sync_to_async(prepare)(3)
    file = tmp_path / "native.checkpoint"

    def begin_and_die(url):
        with danas.Client(url, key) as client:
            rows = client.iter_trajectories(since=file)
            first, left = next(rows), file.read_text()
            rows.close()
            # A process that is killed writes nothing more.
            file.write_text(left)
            return first

    async with site() as running:
        first = await asyncio.to_thread(begin_and_die, running.url)
        await database_sync_to_async(answers[0].conversation.delete)()
        then = await asyncio.to_thread(pulled, running.url, key, since=file)

    assert first["trajectory_id"] == str(answers[0].pk)
    assert [(row["op"], row["trajectory_id"]) for row in then] == [
        ("upsert", str(answers[1].pk)),
        ("upsert", str(answers[2].pk)),
        ("tombstone", str(answers[0].pk)),
    ]


async def test_a_checkpoint_of_another_pull_is_refused(site, tmp_path):
    key, _ = await database_sync_to_async(prepare)(1)
    file = tmp_path / "checkpoint"

    async with site() as running:
        await asyncio.to_thread(pulled, running.url, key, since=file)
        with pytest.raises(danas.CheckpointMismatch):
            await asyncio.to_thread(pulled, running.url, key, since=file, format="openai")


async def test_a_month_is_a_dataset_in_one_line(site):
    key, answers = await database_sync_to_async(prepare)(2)
    month = f"{answers[0].created_at:%Y-%m}"

    def load(url):
        with danas.Client(url, key) as client:
            return client.load(month=month), client.load(month="2001-12")

    async with site() as running:
        dataset, empty = await asyncio.to_thread(load, running.url)

    assert dataset["response"][:] == ["Answer 0.", "Answer 1."]
    assert len(empty) == 0


async def test_what_the_server_refuses_is_said_in_its_words(site):
    def member():
        return keys.create(factories.ada())

    key = await database_sync_to_async(member)()

    async with site() as running:
        with pytest.raises(danas.DanasError, match="scope 'research'") as caught:
            await asyncio.to_thread(pulled, running.url, key)

    assert (caught.value.status, caught.value.code) == (403, "not_allowed")


async def test_consent_withdrawn_in_the_middle_of_a_pull_ends_it_there(site, monkeypatch):
    monkeypatch.setattr(lines, "FIRST_ROWS", 1)
    monkeypatch.setattr(lines, "MOST_ROWS", 1)
    key, answers = await database_sync_to_async(prepare)(2)
    late = await database_sync_to_async(factories.served)(await _ben(), "x" * 4_000_000)
    hidden = await database_sync_to_async(factories.served)(await _cy())
    loop = asyncio.get_running_loop()

    def pull(url):
        seen = []
        with danas.Client(url, key) as client:
            for row in client.iter_trajectories():
                if not seen:
                    withdrawn = asyncio.run_coroutine_threadsafe(_withdraw(), loop)
                    withdrawn.result()
                seen.append(row["trajectory_id"])
        return seen

    async with site() as running:
        seen = await asyncio.to_thread(pull, running.url)

    # The website is a page or two ahead of its reader, and the long one fills what lies between.
    assert seen == [str(each.pk) for each in [*answers, late]]
    assert str(hidden.pk) not in seen


async def _ben():
    return await database_sync_to_async(factories.ben)()


async def _cy():
    return await database_sync_to_async(factories.cy)()


async def _withdraw():
    await database_sync_to_async(people.change_consent)(await _cy(), training=None, research=False)


def test_the_newest_revision_takes_the_place_of_all_rows_of_the_older():
    def row(revision, text, op="upsert", key="a"):
        return {"trajectory_id": key, "revision": revision, "op": op, "text": text}

    old = [row(1, "one"), row(1, "two"), row(1, "other", key="b"), row(1, "gone", key="c")]
    new = [row(2, "three"), row(2, "", op="tombstone", key="c")]

    assert [each["text"] for each in danas.newest([*old, *new])] == ["other", "three"]
