"""Danas' `/v1/chat/completions` against the engine asked directly, turn about in one run.

Both sides get the same requests: streamed, greedy, a fixed number of tokens, each with an opening
of its own so that no prefix cache helps. Time to first token is the median over requests;
throughput is completion tokens over the wall-clock time of a round.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from dataclasses import dataclass

import aiohttp

CONCURRENCIES = (1, 8, 32)
ROUNDS = 3
# About a hundred words, a usual answer.
MAX_TOKENS = 128
TOPICS = ("rain", "bread", "maps", "owls", "tea", "glass", "ferries", "moss", "clocks", "kites")


@dataclass(frozen=True, slots=True)
class Target:
    """Somewhere that speaks the OpenAI API."""

    name: str
    url: str
    key: str
    model: str


@dataclass(frozen=True, slots=True)
class Answer:
    first_token_s: float
    tokens: int


async def ask(session: aiohttp.ClientSession, target: Target, prompt: str) -> Answer:
    """Stream one completion."""
    body = {
        "model": target.model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": prompt},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        # Both sides make the same number of tokens, whatever the model would rather do.
        "ignore_eos": True,
    }
    started = time.perf_counter()
    first, tokens = None, 0
    async with session.post(
        f"{target.url}/v1/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {target.key}"},
    ) as response:
        if response.status != 200:
            raise RuntimeError(f"{target.name}: {response.status} {await response.text()}")
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            if first is None and chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                first = time.perf_counter() - started
            if chunk.get("usage"):
                tokens = chunk["usage"]["completion_tokens"]
    if first is None:
        raise RuntimeError(f"{target.name} sent no text")
    return Answer(first, tokens)


async def one_round(target: Target, prompts: list[str]) -> tuple[list[Answer], float]:
    """Ask all prompts at once; the answers and the wall-clock seconds."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        started = time.perf_counter()
        answers = await asyncio.gather(*(ask(session, target, prompt) for prompt in prompts))
        return list(answers), time.perf_counter() - started


def prompts_for(count: int, rng: random.Random) -> list[str]:
    return [
        f"{rng.randrange(10**6)}. Tell me about {rng.choice(TOPICS)} in a few sentences."
        for _ in range(count)
    ]


async def compare(direct: Target, danas: Target, *, seed: int = 0) -> list[dict[str, float]]:
    """A row per concurrency: medians of both sides and what Danas adds."""
    rng = random.Random(seed)
    for target in (direct, danas):
        await one_round(target, prompts_for(2, rng))
    rows = []
    for concurrency in CONCURRENCIES:
        # One request at a time is the noisiest to time and the cheapest to repeat.
        rounds = ROUNDS * 4 if concurrency == 1 else ROUNDS
        first: dict[str, list[float]] = {direct.name: [], danas.name: []}
        speed: dict[str, list[float]] = {direct.name: [], danas.name: []}
        for number in range(rounds):
            prompts = prompts_for(concurrency, rng)
            turns = (direct, danas) if number % 2 == 0 else (danas, direct)
            for place, target in enumerate(turns):
                # The second of a pair must not find the first one's prompts in the prefix cache.
                own = [f"{place}{prompt}" for prompt in prompts]
                answers, seconds = await one_round(target, own)
                first[target.name] += [answer.first_token_s for answer in answers]
                speed[target.name].append(sum(answer.tokens for answer in answers) / seconds)
        rows.append(_row(concurrency, direct.name, danas.name, first, speed))
    return rows


def _row(
    concurrency: int,
    direct: str,
    danas: str,
    first: dict[str, list[float]],
    speed: dict[str, list[float]],
) -> dict[str, float]:
    direct_ms = 1000 * statistics.median(first[direct])
    danas_ms = 1000 * statistics.median(first[danas])
    ratios = [mine / theirs for mine, theirs in zip(speed[danas], speed[direct], strict=True)]
    return {
        "concurrent": concurrency,
        "direct first token ms": round(direct_ms, 1),
        "danas first token ms": round(danas_ms, 1),
        "added ms": round(danas_ms - direct_ms, 1),
        "direct tokens/s": round(statistics.median(speed[direct]), 1),
        "danas tokens/s": round(statistics.median(speed[danas]), 1),
        "throughput ratio": round(statistics.median(ratios), 3),
    }
