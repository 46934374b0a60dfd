"""What memory costs: a turn's work over 5,000 turns, and the time to the first token with it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from statistics import fmean, median
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from inference.client import EngineClient
from inference.contracts import ChatMessage
from inference.diffusion import Window, admit, diffuse, to_json, with_needs
from inference.diffusion.sentences import sentences
from inference.tokenizer import ChatTokenizer
from learning.memory.dialogues import Shape, dialogue
from tests.system.stack import MODEL, Stack

Row = dict[str, Any]
TURNS = 5000
LIMIT = 2048
# Of both conversations: enough that the window is full after the first third.
ASKED = 36
ASKED_LIMIT = 1024
ANSWER_TOKENS = 40
# A person reads what was answered.
READING_S = 4.0


def run() -> list[tuple[str, list[Row]]]:
    return [
        ("Memory cost: a turn's work over 5,000 turns", over_thousands()),
        ("Memory wait: time to the first token, turn about", asyncio.run(_waits())),
    ]


class Counted:
    """The model's tokenizer, counting the tokens that it is asked for."""

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self._tokenizer = tokenizer
        self.tokens = 0

    def counts(self, texts: list[str]) -> list[int]:
        counts = self._tokenizer.counts(texts)
        self.tokens += sum(counts)
        return counts

    def spans(self, text: str) -> list[tuple[int, int]]:
        spans = self._tokenizer.spans(text)
        self.tokens += len(spans)
        return spans

    def prompt_ids(self, messages: list[ChatMessage]) -> list[int]:
        ids = self._tokenizer.prompt_ids(messages)
        self.tokens += len(ids)
        return ids


def over_thousands() -> list[Row]:
    """The loop over a dialogue of our own making, its sentences read at random."""
    tokenizer = Counted(ChatTokenizer.from_folder(MODEL))
    chance, window = random.Random(0), Window("You are Danas.")
    turns = dialogue(7, Shape(sessions=260)).turns[:TURNS]
    rows: list[Row] = []
    spent: list[tuple[float, int, int, int]] = []
    for number, turn in enumerate(turns, 1):
        started, before = time.perf_counter(), tokenizer.tokens
        role = ("user", "assistant")[number % 2]
        window = admit(window, turn.id, role, turn.shown, tokenizer)
        done = diffuse(window, LIMIT, tokenizer)
        window = done.window
        stored = len(json.dumps(to_json(window)))
        took_ms = 1000 * (time.perf_counter() - started)
        spent.append((took_ms, tokenizer.tokens - before, stored, len(done.prompt_ids)))
        window = with_needs(
            window,
            {
                block.id: [chance.gauss(-2, 2) for _ in sentences(block.text)]
                for block in window.blocks
                if not block.needs
            },
        )
        if number % (len(turns) // 5) == 0:
            rows.append(_cost(number, spent))
            spent = []
    return rows


def _cost(last: int, spent: list[tuple[float, int, int, int]]) -> Row:
    times, tokens, stored, used = zip(*spent, strict=True)
    return {
        "turns": f"{last - len(spent) + 1:,} to {last:,}",
        "ms a turn": round(fmean(times), 1),
        "slowest ms": round(max(times), 1),
        "tokens counted a turn": round(fmean(tokens)),
        "kB stored": round(fmean(stored) / 1000, 1),
        "most kB": round(max(stored) / 1000, 1),
        "largest prompt": max(used),
    }


async def _waits() -> list[Row]:
    stack = Stack(DANAS_WINDOW_TOKENS=str(ASKED_LIMIT))
    try:
        print("Starting Danas …")
        stack.start()
        key = stack.create_user("mem", "--training", "off")
        async with EngineClient([f"http://127.0.0.1:{stack.engine_port}"]) as engine:
            return await _turn_about(stack.url, key, engine)
    finally:
        stack.stop()
        stack.remove()


async def _turn_about(url: str, key: str, engine: EngineClient) -> list[Row]:
    """The same is said to a conversation with memory and to one without, one after the other."""
    said = [turn.shown for turn in dialogue(8).turns[:ASKED]]
    timeout = aiohttp.ClientTimeout(total=300)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(url, headers=headers, timeout=timeout) as session:
        on, off = await _begun(session, is_on=True), await _begun(session, is_on=False)
        waits: dict[str, list[float]] = {on: [], off: []}
        forwarded: dict[str, list[float]] = {on: [], off: []}
        for number, text in enumerate(said):
            for conversation in (on, off) if number % 2 else (off, on):
                before = await _forwarded(engine)
                waits[conversation].append(await _first_token(session, conversation, text))
                await asyncio.sleep(READING_S)
                forwarded[conversation].append(await _forwarded(engine) - before)
    full = ASKED // 3
    return [
        {
            "memory": name,
            "ms while the window fills": round(median(waits[conversation][:full])),
            "ms once it is full, median": round(median(waits[conversation][full:])),
            "slowest": round(max(waits[conversation][full:])),
            "prompt tokens computed a turn, mean": round(fmean(forwarded[conversation][full:])),
        }
        for name, conversation in (("on", on), ("off: recency alone", off))
    ]


async def _forwarded(engine: EngineClient) -> float:
    """The tokens of prompts that the engine didn't find in its prefix cache, since it began."""
    sums = {"vllm:prefix_cache_queries_total": 0.0, "vllm:prefix_cache_hits_total": 0.0}
    for family in text_string_to_metric_families(await engine.metrics(engine.addresses[0])):
        for sample in family.samples:
            if sample.name in sums:
                sums[sample.name] += sample.value
    queries, hits = sums.values()
    return queries - hits


async def _begun(session: aiohttp.ClientSession, *, is_on: bool) -> str:
    async with session.post("/v1/conversations", json={}) as response:
        response.raise_for_status()
        conversation: str = (await response.json())["id"]
    path = f"/v1/conversations/{conversation}"
    async with session.patch(path, json={"uses_memory": is_on}) as response:
        response.raise_for_status()
    return conversation


async def _first_token(session: aiohttp.ClientSession, conversation: str, text: str) -> float:
    body = {
        "model": "danas",
        "conversation": conversation,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": ANSWER_TOKENS,
        "stream": True,
    }
    started, first = time.perf_counter(), 0.0
    async with session.post("/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            if not first and _has_words(line):
                first = 1000 * (time.perf_counter() - started)
    return first


def _has_words(line: bytes) -> bool:
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[len(b"data: ") :])["choices"]
    return any(choice["delta"].get("content") for choice in choices)
