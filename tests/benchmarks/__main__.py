"""`python -m tests.benchmarks [NAME …]`: run these, or all.

`--quick` makes those with simulated people small enough to end in some minutes each: they then
show that the loop closes, and little about how well. docs/benchmarks.md says how long all take.
"""

from __future__ import annotations

import argparse
import asyncio
from importlib import import_module

from tests.benchmarks import loop, report, serving
from tests.benchmarks.simulated import FOLDER, Settings
from tests.simulation.attributes import FAMILIES
from tests.system.stack import Stack, make_model

ON_ONE_STACK = ("serving", "loop")
# Modules of this package: `run()` gives titles and rows. A title's words before a colon name the
# file that the rows are kept in.
WITHOUT_A_STACK = (
    "browser",
    "learning",
    "trl",
    "reward",
    "gates",
    "export",
    "pages",
    "sockets",
    "tools",
    "pictures",
    "memory",
    "rewriting",
)
# The same, but `run(settings)` is a coroutine.
SIMULATED = ("preference", "overoptimisation", "forgetting", "attack")
NAMES = (*ON_ONE_STACK, *WITHOUT_A_STACK, *SIMULATED)


def main() -> None:
    arguments = _arguments()
    names = arguments.names or NAMES
    settings = Settings(
        is_quick=arguments.quick,
        seeds=arguments.seeds or (1 if arguments.quick else 5),
        families=tuple(arguments.families),
        minutes=arguments.minutes,
        resume=arguments.resume,
    )
    make_model()
    if set(ON_ONE_STACK) & set(names):
        _on_the_stack(names)
    for name in (name for name in WITHOUT_A_STACK if name in names):
        _keep_all(import_module(f"tests.benchmarks.{name}").run())
    for name in (name for name in SIMULATED if name in names):
        module = import_module(f"tests.benchmarks.{name}")
        _keep_all(asyncio.run(module.run(settings)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which ones; all if none")
    parser.add_argument("--quick", action="store_true", help="few people's few words, one seed")
    parser.add_argument("--seeds", type=int, help="of simulated people; 1 if quick, else 5")
    parser.add_argument(
        "--families",
        nargs="+",
        default=["length"],
        help=f"what they want, seed by seed in turn: {', '.join(FAMILIES)}",
    )
    parser.add_argument("--minutes", type=float, help="begin no further run after so many")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    return parser.parse_args()


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
        if not await loop.has_a_way_back(api):
            print("\nThe update was refused, so there is no second policy to swap with.")
            return
        swaps = await loop.swaps_under_load(api)
        _keep("swap", "Swapping the live policy under four streams", [swaps])
        rollback = await loop.rollback_under_load(api)
        _keep("rollback", "Going back to the policy before under four streams", [rollback])


def _keep_all(tables: list[tuple[str, list[report.Row]]]) -> None:
    for title, rows in tables:
        _keep(title.split(":")[0].lower().replace(" ", "-"), title, rows)


def _keep(name: str, title: str, rows: list[report.Row]) -> None:
    report.show(title, rows)
    report.save(FOLDER, name, rows)


if __name__ == "__main__":
    main()
