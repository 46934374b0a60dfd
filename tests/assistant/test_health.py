"""GET /healthz tells the truth."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from django.test import AsyncClient

from assistant import heartbeat, valkey
from tests.fakes import ScriptedEngine
from tests.system.stack import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
EVERYTHING = {"web", "database", "valkey", "engine", *heartbeat.COMPONENTS}


@pytest.fixture
def all_workers():
    with ExitStack() as stack:
        for component in heartbeat.COMPONENTS:
            stack.enter_context(heartbeat.beating(component))
        wait_until(lambda: all(map(heartbeat.is_alive, heartbeat.COMPONENTS)), 5, "signs of life")
        yield


async def health():
    answer = await AsyncClient().get("/healthz")
    return answer.status_code, answer.json()


async def test_all_is_well_when_every_component_is_up(settings, all_workers):
    async with ScriptedEngine() as engine:
        settings.ENGINE_URLS = [engine.url]

        status, body = await health()

    assert status == 200
    assert body == {"status": "ok", "components": dict.fromkeys(EVERYTHING, "ok")}


async def test_a_worker_without_a_sign_of_life_is_named(settings, all_workers):
    async with ScriptedEngine() as engine:
        settings.ENGINE_URLS = [engine.url]
        valkey.client().delete(heartbeat.key("learner"))

        status, body = await health()

    assert status == 503
    assert body["status"] == "unavailable"
    assert body["components"]["learner"] == "gives no sign of life"
    assert body["components"]["reward"] == "ok"


async def test_one_engine_of_two_that_is_down_is_named(settings, all_workers):
    async with ScriptedEngine() as engine:
        settings.ENGINE_URLS = [engine.url, "http://127.0.0.1:1"]

        status, body = await health()

    assert status == 503
    assert body["components"][f"engine {engine.url}"] == "ok"
    assert body["components"]["engine http://127.0.0.1:1"] == "does not answer"


async def test_lost_stores_are_named_and_the_rest_is_still_looked_at(
    settings, all_workers, monkeypatch
):
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock"
    nowhere = {"host": "/nowhere", "dbname": "danas"}
    monkeypatch.setattr("assistant.health.connection_parameters", lambda: nowhere)
    async with ScriptedEngine() as engine:
        settings.ENGINE_URLS = [engine.url]

        status, body = await health()

    assert status == 503
    assert body["components"]["database"] == "does not answer"
    assert body["components"]["valkey"] == "does not answer"
    assert body["components"]["reward"] == "does not answer"
    assert body["components"]["engine"] == "ok"


async def test_a_clean_stop_ends_the_sign_of_life_at_once(valkey_server):
    with heartbeat.beating("reward"):
        wait_until(lambda: heartbeat.is_alive("reward"), 5, "sign of life")

    assert not heartbeat.is_alive("reward")
