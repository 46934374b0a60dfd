"""`python -m tests.simulation --url … --key …`: people who share a wish, against a running Danas.

The key has to be an administrator's or a researcher's. Where Danas runs with DANAS_SIGNUP=open,
each person has an account of their own; otherwise all of them speak through the key.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from tests.benchmarks import report
from tests.simulation.journal import Journal
from tests.simulation.rising import rising
from tests.simulation.session import Opened, Plan, Session


def main() -> None:
    arguments = _arguments()
    plan = Plan(
        family=arguments.family,
        events=arguments.events,
        updates_every=arguments.updates_every,
        seed=arguments.seed,
        people=arguments.people,
        flip_rate=arguments.flip_rate,
        held_out=arguments.held_out,
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
    )
    asyncio.run(_run(plan, arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key", required=True, help="an administrator's or researcher's API key")
    parser.add_argument("--family", default=Plan.family, help="or package.module:function")
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--updates-every", type=int, default=50, help="events between updates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--flip-rate", type=float, default=0.1, help="how often people slip")
    parser.add_argument("--held-out", type=int, default=64, help="questions to measure on")
    parser.add_argument("--max-tokens", type=int, default=48, help="of an answer")
    parser.add_argument("--temperature", type=float, default=0.7, help="of what is judged")
    parser.add_argument("--algorithm", default="rloo", choices=["rloo", "kto"])
    parser.add_argument(
        "--out", type=Path, help="journal of JSON lines; an interrupted run goes on"
    )
    return parser.parse_args()


async def _run(plan: Plan, arguments: argparse.Namespace) -> None:
    journal = Journal(arguments.out)
    crew = f"simulated-{plan.family.replace(':', '-')}-{plan.seed}"
    async with Opened(arguments.url, arguments.key, plan.people, crew) as accounts:
        session = Session(plan, accounts, journal)
        journal.claim(session.described())
        print(f"{plan.people} people who want: {plan.wish.name}")
        rows, _ = await rising(session, algorithm=arguments.algorithm)
    report.show("What people wanted, on held-out questions", rows)


if __name__ == "__main__":
    main()
