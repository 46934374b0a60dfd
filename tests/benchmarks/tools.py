"""`python -m tests.benchmarks tools`: what a tool call costs, and how much of it is ours.

A call from what the policy wrote to what it is told: stored, checked, taken, run, its result kept.
Direct is the same call of the same server with the official client alone; of a program and of an
address alike in a session that is open already, and once with all that begins one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.report import Row
from tests.system.light import LightStack

ROUNDS, COLD_ROUNDS = 100, 5
SERVER = Path(__file__).parents[1] / "assistant" / "tools" / "real_server.py"
MEASURE = "from tests.benchmarks import tools; tools.measure()"
ARGUMENTS = {"first": 2, "second": 3}
Once = Callable[[], Awaitable[Any]]


def run() -> list[tuple[str, list[Row]]]:
    stack = LightStack(programs=(), DANAS_TOOL_PROGRAMS="on")
    try:
        stack.start()
        said = stack.manage("shell", "-v", "0", "-c", MEASURE)
    finally:
        stack.remove()
    return [
        ("Tools: a call through Danas and the same call alone", json.loads(said.splitlines()[-1]))
    ]


def measure() -> None:
    """In a process of Danas, on the loop that the generation worker has; prints the rows."""
    print(json.dumps(uvloop.run(_rows())))


async def _rows() -> list[Row]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    far = subprocess.Popen([sys.executable, str(SERVER), str(port)], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        await asyncio.sleep(3)
        return [
            await _row("calculator", await _danas("calculator", {"expression": "6 * 7"}), None),
            await _cold(),
            await _row("a program", await _danas("near__add", ARGUMENTS), _program()),
            await _row("an address", await _danas("far__add", ARGUMENTS, url), url),
        ]
    finally:
        far.kill()


async def _danas(tool: str, arguments: dict[str, Any], url: str = "") -> Once:
    """One call of Ada's answer in the making, a step for each."""
    from channels.db import database_sync_to_async

    from assistant.models import Generation, ToolServer
    from assistant.tools import calling, results
    from assistant.tools.servers import configuring, listing
    from inference.contracts import Call
    from tests import factories

    def prepared() -> Generation:
        name = tool.split("__")[0]
        if "__" in tool and not ToolServer.objects.filter(name=name).exists():
            where: dict[str, Any] = {"transport": "http", "url": url}
            if not url:
                where = {"transport": "stdio", "command": [sys.executable, str(SERVER)]}
            facts = {"name": name, "may_use_network": True, "allowance": "always", **where}
            listing.look(configuring.add(factories.ann(), facts, {}))
        asked = factories.said(factories.conversation(factories.ada()))
        return factories.answer(asked, status="running").generation

    generation = await database_sync_to_async(prepared)()
    steps = iter(range(10_000))

    async def once() -> None:
        call = Call("call_0", tool, json.dumps(arguments))
        [row] = await database_sync_to_async(calling.begin)(generation, next(steps), [call])
        done = await calling.run(row)
        assert not done.is_error, results.said(done, done.result)

    return once


def _program() -> Any:
    from mcp.client.stdio import StdioServerParameters

    return StdioServerParameters(command=sys.executable, args=[str(SERVER)])


async def _row(name: str, danas: Once, direct: Any) -> Row:
    """Turn about, after one call that starts what is kept."""
    from mcp.client.client import Client

    ours, alone = [], []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(direct)) if direct else None
        for _ in range(ROUNDS + 1):
            ours.append(await _timed(danas))
            if client is not None:
                alone.append(await _timed(lambda: client.call_tool("add", ARGUMENTS)))
    return _as_row(name, ours[1:], alone[1:])


async def _cold() -> Row:
    """A program's first call, with its start."""
    from mcp.client.client import Client

    from assistant.tools.servers import keeping

    danas = await _danas("near__add", ARGUMENTS)

    ours, alone = [], []
    for _ in range(COLD_ROUNDS):
        ours.append(await _timed(danas))
        await keeping.close_all()
        async with AsyncExitStack() as stack:

            async def direct(stack: AsyncExitStack = stack) -> None:
                client = await stack.enter_async_context(Client(_program()))
                await client.call_tool("add", ARGUMENTS)

            alone.append(await _timed(direct))
    return _as_row("a program, started", ours, alone)


def _as_row(name: str, ours: list[float], alone: list[float]) -> Row:
    direct = statistics.median(alone) if alone else 0.0
    danas = statistics.median(ours)
    return {
        "tool": name,
        "calls": len(ours),
        "danas ms": round(danas, 1),
        "direct ms": round(direct, 1),
        "added ms": round(danas - direct, 1),
        "danas p95 ms": round(sorted(ours)[int(0.95 * (len(ours) - 1))], 1),
    }


async def _timed(once: Once) -> float:
    """In milliseconds."""
    started = time.perf_counter()
    await once()
    return 1000 * (time.perf_counter() - started)
