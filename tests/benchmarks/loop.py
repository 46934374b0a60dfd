"""The learning loop seen from outside: feedback to reward version, an update, swaps under load."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

STREAMS = 4
ANSWERS = 24
SWAPS = 6
ROLLBACKS = 3
UPDATE_TIMEOUT_S = 1200.0


class Api:
    """A program that talks to Danas with a key."""

    def __init__(self, url: str, key: str) -> None:
        self._session = aiohttp.ClientSession(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=300),
        )

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def get(self, path: str) -> dict[str, Any]:
        async with self._session.get(path) as response:
            response.raise_for_status()
            return await response.json()

    async def answer(self, prompt: str, **options: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": prompt}]
        body = {"model": "danas", "messages": messages, "max_tokens": 32, **options}
        return await self.post("/v1/chat/completions", body)


@dataclass
class Load:
    """Streams that ask one question after the other until they are told to end."""

    api: Api
    finished: int = 0
    lost: int = 0
    policies: set[str] = field(default_factory=set)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._stream(number)) for number in range(STREAMS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending.set()
        await asyncio.gather(*self._tasks)

    async def _stream(self, number: int) -> None:
        turn = 0
        while not self._ending.is_set():
            turn += 1
            try:
                answer = await self.api.answer(f"{number}.{turn}: name something blue.")
            except aiohttp.ClientError:
                self.lost += 1
            else:
                self.finished += 1
                self.policies.add(answer["model"])


async def feedback_latency(api: Api) -> dict[str, Any]:
    """POST /v1/feedback to the answer that names the reward version that contains it."""
    answers = [await api.answer(f"{n}. Say something kind about the sea.") for n in range(ANSWERS)]
    # One judgement each beforehand makes sure that the features are there.
    for answer in answers:
        await _judge(api, answer["id"], "down")
    waits = []
    for answer in answers:
        started = time.perf_counter()
        await _judge(api, answer["id"], "up")
        waits.append(1000 * (time.perf_counter() - started))
    waits.sort()
    return {
        "events": len(waits),
        "p50 ms": round(statistics.median(waits), 1),
        "p95 ms": round(waits[int(0.95 * (len(waits) - 1))], 1),
        "max ms": round(waits[-1], 1),
    }


async def _judge(api: Api, answer: str, kind: str) -> None:
    receipt = await api.post("/v1/feedback", {"message": answer, "kind": kind})
    if receipt["reward_version"] is None:
        raise RuntimeError("the reward worker was not in time")


async def update_under_load(api: Api) -> dict[str, Any]:
    """One whole update while four streams go on asking."""
    async with Load(api) as load:
        started = time.perf_counter()
        update = await api.post("/v1/updates", {})
        while update["state"] in {"queued", "training", "gating"}:
            if time.perf_counter() - started > UPDATE_TIMEOUT_S:
                raise RuntimeError("the update takes too long")
            await asyncio.sleep(1)
            update = await api.get(f"/v1/updates/{update['id']}")
        seconds = time.perf_counter() - started
    return {
        "state": update["state"],
        "seconds": round(seconds, 1),
        "steps": len(update["metrics"]),
        "answers meanwhile": load.finished,
        "lost": load.lost,
        "reason": update["reason"],
    }


async def swaps_under_load(api: Api) -> dict[str, Any]:
    """Back and forth between the two newest policies that may be live, under four streams."""
    ready = (await _ready(api))[:2]
    waits, seen = [], []
    async with Load(api) as load:
        for number in range(SWAPS):
            name = ready[number % len(ready)]
            started = time.perf_counter()
            await api.post(f"/v1/policies/{name}/activate", {})
            waits.append(time.perf_counter() - started)
            answer = await api.answer("Name a colour.", max_tokens=4)
            seen.append(answer["model"] == name)
    return {
        "swaps": len(waits),
        "median s": round(statistics.median(waits), 3),
        "max s": round(max(waits), 3),
        "next answer from the new one": f"{sum(seen)} of {len(seen)}",
        "answers meanwhile": load.finished,
        "lost": load.lost,
    }


async def has_a_way_back(api: Api) -> bool:
    """Whether there are two policies that may be live."""
    return len(await _ready(api)) > 1


async def rollback_under_load(api: Api) -> dict[str, Any]:
    """From the request to go back until an answer that was asked for afterwards is there."""
    newer, older = (await _ready(api))[:2]
    waits, answered, seen = [], [], []
    async with Load(api) as load:
        for _ in range(ROLLBACKS):
            await api.post(f"/v1/policies/{newer}/activate", {})
            await api.answer("Name a colour.", max_tokens=4)
            started = time.perf_counter()
            await api.post(f"/v1/policies/{older}/activate", {})
            waits.append(time.perf_counter() - started)
            answer = await api.answer("Name a colour.", max_tokens=4)
            answered.append(time.perf_counter() - started)
            seen.append(answer["model"] == older)
    return {
        "rollbacks": ROLLBACKS,
        "median s": round(statistics.median(waits), 3),
        "max s": round(max(waits), 3),
        "with the next answer, max s": round(max(answered), 3),
        "next answer from the older": f"{sum(seen)} of {len(seen)}",
        "answers meanwhile": load.finished,
        "lost": load.lost,
    }


async def _ready(api: Api) -> list[str]:
    """Policies that may be live, the newest first."""
    policies = (await api.get("/v1/policies"))["data"]
    return [policy["name"] for policy in policies if policy["state"] == "ready"]
