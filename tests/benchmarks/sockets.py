"""`python -m tests.benchmarks sockets`: 1,000 idle WebSockets and 50 streaming ones on one process.

50 people have 21 tabs each; in one of them an answer streams. Counted are the memory and processor
time of the web process, and whether every event of every answer arrived, in order.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import websockets
from websockets.asyncio.client import ClientConnection

from tests.benchmarks.report import Row
from tests.fakes import Answer
from tests.system.light import LightStack

PEOPLE, IDLE_EACH = 50, 20
WORDS, PACE_S = 200, 0.05
PATIENCE_S = 120
ENTER = f"""
import json
from django.test import Client
from assistant.accounts import people
clients = [Client() for _ in range({PEOPLE})]
for number, client in enumerate(clients):
    client.force_login(people.create(f"tab-{{number}}", "a long walk by the sea"))
print(json.dumps([client.cookies["sessionid"].value for client in clients]))
"""


def run() -> list[tuple[str, list[Row]]]:
    says = Answer(" ".join(f"word{number}" for number in range(WORDS)), pace_s=PACE_S)
    stack = LightStack(says, programs=("generation",))
    try:
        stack.start()
        sessions = json.loads(stack.manage("shell", "-v", "0", "-c", ENTER).splitlines()[-1])
        row = asyncio.run(_held(stack, sessions))
    finally:
        stack.remove()
    return [("Sockets: 1,000 idle and 50 streaming on one web process", [row])]


async def _held(stack: LightStack, sessions: Sequence[str]) -> Row:
    web = stack.web_pid
    before_kb = _memory_kb(web)
    async with AsyncExitStack() as tabs:
        started = time.perf_counter()
        idle = [
            await tabs.enter_async_context(_tab(stack, session))
            for session in sessions
            for _ in range(IDLE_EACH)
        ]
        connected_s = time.perf_counter() - started
        idle_kb = _memory_kb(web)
        asking = [await tabs.enter_async_context(_tab(stack, session)) for session in sessions]
        busy_s, started = _processor_s(web), time.perf_counter()
        async with asyncio.timeout(PATIENCE_S):
            whole = await asyncio.gather(*(_answered(tab) for tab in asking))
        took_s = time.perf_counter() - started
        return {
            "idle": sum(tab.state is websockets.State.OPEN for tab in idle),
            "connected_s": round(connected_s, 1),
            "kB_a_socket": round((idle_kb - before_kb) / len(idle), 1),
            "streams": len(whole),
            "whole": sum(whole),
            "streamed_s": round(took_s, 1),
            "web_MB": round(_memory_kb(web) / 1000),
            "web_cpu_%": round(100 * (_processor_s(web) - busy_s) / took_s),
        }


def _tab(stack: LightStack, session: str) -> Any:
    return websockets.connect(
        f"ws://127.0.0.1:{stack.port}/ws/chat/",
        additional_headers={"Cookie": f"sessionid={session}", "Origin": stack.url},
        ping_interval=None,
        open_timeout=60,
    )


async def _answered(tab: ClientConnection) -> bool:
    """Ask, and hear the answer to its end; true when no event was missing and all words came."""
    ids = {name: str(uuid4()) for name in ("conversation", "message", "answer")}
    said = {"type": "send", "request": "1", "parent": None, **ids}
    await tab.send(json.dumps({**said, "parts": [{"type": "text", "text": "Go on."}]}))
    numbers, text = [], ""
    while True:
        notice = json.loads(await tab.recv())
        if notice["type"] == "refused":
            return False
        if notice["type"] != "event":
            continue
        numbers.append(notice["seq"])
        text += notice["data"].get("text", "")
        if notice["kind"] in {"done", "error", "stopped"}:
            return numbers == list(range(1, len(numbers) + 1)) and f"word{WORDS - 1}" in text


def _memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def _processor_s(pid: int) -> float:
    """Of all its threads, in the user's and the kernel's time; a tick is a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
