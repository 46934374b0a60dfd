"""Danas as somebody with an account sees it: HTTP, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.simulation.people import Answer, Reaction

AT_ONCE = 32
REQUEST_TIMEOUT_S = 300.0
UPDATE_TIMEOUT_S = 1800.0
TRIES = 6
POLL_S = 2.0
RUNNING = ("queued", "training", "gating")


class Refused(Exception):
    """Danas did not do what it was asked for; `status` and `code` are its answer's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code = status, code


class Danas:
    """One account on a running Danas, by its API key or, after `sign_up`, by its session."""

    def __init__(self, url: str, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session = aiohttp.ClientSession(
            base_url=url,
            headers=headers,
            # By default, cookies of a bare IP address are thrown away.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=AT_ONCE),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    async def sign_up(self, name: str, password: str, *, training: bool = True) -> None:
        """Make an account, or come back to the one of this name."""
        account = {"name": name, "password": password}
        try:
            await self._become("/v1/accounts", {**account, "training": training})
        except Refused as refused:
            if refused.code != "name_taken":
                raise
            await self._become("/v1/session", account)

    async def _become(self, path: str, body: dict[str, Any]) -> None:
        await self.call("POST", path, body)
        # Signing in changes the CSRF token; the cookie jar has the new one.
        for cookie in self._session.cookie_jar:
            if cookie.key == "csrftoken":
                self._session.headers["X-CSRFToken"] = cookie.value

    async def me(self) -> dict[str, Any]:
        """Whose key this is, what it may do, and whether others can sign up."""
        return dict(await self.call("GET", "/v1/session"))

    async def answer(
        self,
        question: str,
        *,
        model: str = "danas",
        max_tokens: int = 48,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Answer:
        """Ask one question. What is None is left to Danas."""
        body = {
            "model": model,
            "messages": [{"role": "user", "content": question}],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
        }
        said = await self.call("POST", "/v1/chat/completions", body)
        return Answer(said["id"], said["choices"][0]["message"]["content"], said["model"])

    async def give(self, reaction: Reaction) -> int | None:
        """Judge; the reward model's version that contains it, if it was in time."""
        body = {name: value for name, value in asdict(reaction).items() if value}
        receipt = await self.call("POST", "/v1/feedback", body)
        version: int | None = receipt["reward_version"]
        return version

    async def reward(self, question: str, answer: str) -> float:
        body = {"messages": [{"role": "user", "content": question}], "response": answer}
        estimate = await self.call("POST", "/v1/rewards", body)
        return float(estimate["mean"])

    async def update(self, algorithm: str = "rloo") -> dict[str, Any]:
        """Start an update and wait for its verdict."""
        # Danas's own default, if that is what is wanted.
        body = {} if algorithm == "rloo" else {"algorithm": algorithm}
        update = await self.call("POST", "/v1/updates", body)
        async with asyncio.timeout(UPDATE_TIMEOUT_S):
            while update["state"] in RUNNING:
                await asyncio.sleep(POLL_S)
                update = await self.call("GET", f"/v1/updates/{update['id']}")
        return update

    async def live(self) -> str:
        """The name of the policy that answers."""
        policies = await self.call("GET", "/v1/policies")
        return str(policies["live"])

    async def activate(self, name: str) -> None:
        await self.call("POST", f"/v1/policies/{name}/activate", {})

    async def agree(self, *, training: bool) -> None:
        """Change the consent to training; taking it back deletes what learning holds."""
        await self.call("PATCH", "/v1/session", {"training": training})

    async def metrics(self) -> dict[str, Any]:
        """The newest point of the reward model's time series; empty where there is none."""
        found = await self.call("GET", "/v1/learning/metrics?limit=1")
        points = found["points"]
        return points[-1] if points else {}

    async def close_alarms(self, note: str) -> list[str]:
        """Close, as a reviewer, what stands in the way of updates; the alarms' sentences."""
        alarms = await self.call("GET", "/v1/learning/alarms")
        standing = [alarm for alarm in alarms["data"] if alarm["closed_at"] is None]
        for alarm in standing:
            await self.call("POST", f"/v1/learning/alarms/{alarm['id']}/close", {"note": note})
        return [alarm["sentence"] for alarm in standing]

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; asked again while Danas says that it is busy.

        Raises:
            Refused: an answer other than 2xx.
        """
        for attempt in range(TRIES):
            async with self._session.request(method, path, json=body) as response:
                if response.status == 503 and attempt + 1 < TRIES:
                    await asyncio.sleep(float(response.headers.get("Retry-After", 2)))
                    continue
                if response.ok:
                    return await response.json() if response.status != 204 else None
                raise await _refusal(response)
        raise AssertionError("the last try returns or raises")


async def _refusal(response: aiohttp.ClientResponse) -> Refused:
    try:
        error = (await response.json())["error"]
    except (aiohttp.ContentTypeError, KeyError, ValueError):
        return Refused(response.status, "", await response.text())
    return Refused(response.status, error.get("code") or "", error.get("message") or "")


async def all_at_once(jobs: Sequence[Awaitable[Any]], at_once: int = AT_ONCE) -> list[Any]:
    """Await the jobs, at most so many at a time; their results in order."""
    gate = asyncio.Semaphore(at_once)

    async def one(job: Awaitable[Any]) -> Any:
        async with gate:
            return await job

    return await asyncio.gather(*map(one, jobs))
