"""`python -m tests.benchmarks [serving] [loop] [learning]`: run these, or all."""

from __future__ import annotations

import argparse
import asyncio

from tests.benchmarks import loop, report, serving
from tests.system.stack import Stack, make_model

NAMES = ("serving", "loop", "learning")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which ones; all if none")
    names = parser.parse_args().names or NAMES
    make_model()
    if "serving" in names or "loop" in names:
        _on_the_stack(names)
    if "learning" in names:
        from tests.benchmarks import learning

        for title, rows in learning.run():
            _keep(title.split(":")[0].lower().replace(" ", "-"), title, rows)


def _on_the_stack(names: list[str]) -> None:
    stack = Stack()
    try:
        print("Starting Danas …")
        stack.start()
        if "serving" in names:
            asyncio.run(_serving(stack))
        if "loop" in names:
            asyncio.run(_loop(stack))
    finally:
        stack.stop()
        stack.remove()


async def _serving(stack: Stack) -> None:
    # Without consent nothing is handed to learning: only what serving costs is measured here.
    key = stack.create_user("sam", "--training", "off")
    engine = f"http://127.0.0.1:{stack.engine_port}"
    engine_key = (stack.home / "secrets" / "engine").read_text().strip()
    direct = serving.Target("direct", engine, engine_key, "base")
    danas = serving.Target("danas", stack.url, key, "base")
    rows = await serving.compare(direct, danas)
    _keep("serving", "Serving: Danas against the engine asked directly", rows)


async def _loop(stack: Stack) -> None:
    key = stack.create_user("loop", "--role", "admin")
    async with loop.Api(stack.url, key) as api:
        feedback = await loop.feedback_latency(api)
        _keep("feedback", "Feedback to reward version", [feedback])
        update = await loop.update_under_load(api)
        _keep("update", "One update under four streams", [update])
        swaps = await loop.swaps_under_load(api)
        _keep("swap", "Swapping the live policy under four streams", [swaps])


def _keep(name: str, title: str, rows: list[report.Row]) -> None:
    report.show(title, rows)
    report.save(report.ROOT / ".danas" / "bench", name, rows)


if __name__ == "__main__":
    main()
