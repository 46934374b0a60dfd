"""GET /healthz: whether everything is up, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from assistant import heartbeat, valkey
from inference.client import EngineClient

OK = "ok"
PROBE_TIMEOUT_S = 3.0


async def healthz(request: HttpRequest) -> JsonResponse:
    found = await components()
    is_up = all(state == OK for state in found.values())
    body = {"status": "ok" if is_up else "unavailable", "components": found}
    return JsonResponse(body, status=200 if is_up else 503)


async def components() -> dict[str, str]:
    """Every component and "ok", or in a few words what is wrong with it."""
    database, workers, engines = await asyncio.gather(
        _probe(_database(), "database"),
        _probe(_workers(), "valkey", *heartbeat.COMPONENTS),
        _engines(),
    )
    return {"web": OK, **database, **workers, **engines}


async def _probe(probe: Awaitable[dict[str, str]], *names: str) -> dict[str, str]:
    """What the probe finds, or the same complaint about all that it looks at."""
    try:
        return await asyncio.wait_for(probe, PROBE_TIMEOUT_S)
    except (TimeoutError, psycopg.Error, redis.RedisError):
        return dict.fromkeys(names, "does not answer")


async def _database() -> dict[str, str]:
    """A connection of its own: the pool would make the answer wait for a lost server."""
    async with await psycopg.AsyncConnection.connect(**connection_parameters()) as database:
        await database.execute("SELECT 1")
    return {"database": OK}


def connection_parameters() -> dict[str, Any]:
    found: dict[str, Any] = connection.get_connection_params()
    return {name: value for name, value in found.items() if name not in {"cursor_factory", "pool"}}


async def _workers() -> dict[str, str]:
    async with valkey.async_client() as client:
        signs = await client.mget([heartbeat.key(name) for name in heartbeat.COMPONENTS])
    states = [OK if sign else "gives no sign of life" for sign in signs]
    return {"valkey": OK, **dict(zip(heartbeat.COMPONENTS, states, strict=True))}


async def _engines() -> dict[str, str]:
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        found = await client.is_up()
    states = {url: OK if is_up else "does not answer" for url, is_up in found.items()}
    if len(states) == 1:
        return {"engine": states.popitem()[1]}
    return {f"engine {url}": state for url, state in states.items()}
