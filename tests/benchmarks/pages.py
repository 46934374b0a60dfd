"""`python -m tests.benchmarks pages`: what the API takes when the database is full: every GET, and
claiming the next item of the review queue.

10,000 conversations with 200,000 messages, a fifth of them of the one person who asks. Requests
come one after another, over HTTP, with a key. The goal is a p95 under 100 ms for each.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import httpx

from tests.benchmarks.report import Row
from tests.system.light import LightStack

FILL = "import json; from tests.benchmarks import filling; print(json.dumps(filling.fill('heavy')))"
TIMES, WARM = 30, 3
GOAL_MS = 100
# Of a parameter where one is needed, or where a page always sends it.
SAID: dict[str, Any] = {"q": "tides", "query": "tides", "format": "openai"}
COPY = "/v1/conversations/{pk}/export"
# More is asked than a person may ask in a minute.
RATES = json.dumps({"exports": "off", "searches": "off"})
LIMITED = {"/v1/conversations/{pk}": 50, "/v1/trajectories": 50}


def run() -> list[tuple[str, list[Row]]]:
    stack = LightStack(programs=(), DANAS_RATES=RATES)
    try:
        stack.start()
        key = stack.create_user("heavy", "--role", "admin", "--research", "on")
        started = time.monotonic()
        printed = stack.manage("shell", "-v", "0", "-c", FILL)
        named = json.loads(printed.strip().splitlines()[-1])
        print(f"Filled in {time.monotonic() - started:.0f} s")
        with httpx.Client(
            base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=60
        ) as client:
            paths = client.get("/v1/openapi.json").json()["paths"]
            rows = [_measured(client, *address) for address in _addresses(paths, named)]
            rows.append(_measured(client, "/v1/review/next", {}, "POST"))
    finally:
        stack.remove()
    return [("Pages with 10,000 conversations", sorted(rows, key=lambda row: -row["p95_ms"]))]


def _addresses(paths: dict[str, Any], named: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Every GET whose ids are known, with what it has to be asked."""
    found = []
    for template, operations in paths.items():
        if "get" not in operations:
            continue
        path = template
        for name, value in _ids(template, named).items():
            path = path.replace(f"{{{name}}}", value)
        if "{" not in path:
            known = {each["name"] for each in operations["get"].get("parameters", [])}
            query = {name: value for name, value in SAID.items() if name in known}
            if template == COPY:
                query["format"] = "json"
            if template in LIMITED:
                query["limit"] = LIMITED[template]
            found.append((path, query))
    return found


def _ids(template: str, named: dict[str, str]) -> dict[str, str]:
    if template.startswith("/v1/conversations/{pk}"):
        return {"pk": named["conversation"]}
    if template.startswith("/v1/messages/{pk}"):
        return {"pk": named["message"]}
    return {"name": "base", "feedback": named["feedback"]}


def _measured(client: httpx.Client, path: str, query: dict[str, Any], method: str = "GET") -> Row:
    body = None if method == "GET" else {}
    taken, size = [], 0
    for _ in range(WARM + TIMES):
        started = time.perf_counter()
        answer = client.request(method, path, params=query, json=body)
        taken.append(1000 * (time.perf_counter() - started))
        answer.raise_for_status()
        size = len(answer.content)
    taken = taken[WARM:]
    p95 = statistics.quantiles(taken, n=20)[-1]
    return {
        "address": path,
        "p50_ms": round(statistics.median(taken), 1),
        "p95_ms": round(p95, 1),
        "kB": round(size / 1000, 1),
        "goal": "kept" if p95 < GOAL_MS else "missed",
    }
