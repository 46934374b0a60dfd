"""Does the true utility hold when one log of feedback is learned from again and again?

All feedback comes first; then follow updates, each measured by the wish itself. The reward model
that they climb was made from the feedback alone.
"""

from __future__ import annotations

from statistics import fmean
from typing import Any

from tests.benchmarks.simulated import Settings, danas, journal_of, say, told
from tests.simulation.journal import Journal
from tests.simulation.session import Plan, Session

Row = dict[str, Any]
FULL = {"events": 200, "held_out": 64}
QUICK = {"events": 80, "held_out": 48}
UPDATES, QUICK_UPDATES = 8, 3


async def run(settings: Settings) -> list[tuple[str, list[Row]]]:
    journal = journal_of("overoptimisation", settings)
    size = QUICK if settings.is_quick else FULL
    updates = QUICK_UPDATES if settings.is_quick else UPDATES
    journal.claim({**size, "updates": updates})
    rows = []
    for family, seed in settings.runs:
        if settings.is_over:
            say("the time is over")
            break
        plan = Plan(family=family, seed=seed, **size)
        key = f"{family} {seed}"
        rows.append(await journal.once(key, lambda plan=plan: _one(plan, updates)))
    title = "Over-optimisation: the wish met after each update on the same feedback"
    return [(title, rows)] if rows else []


async def _one(plan: Plan, updates: int) -> Row:
    say(f"over-optimisation: {plan.family}, seed {plan.seed}: {plan.wish.name}")
    async with danas(plan.people) as accounts:
        session = Session(plan, accounts, Journal(None))
        await session.feedback(plan.crowd, 0, plan.events)
        [now] = await session.measure("base", "base")
        met, scores, states = [now.share], [fmean(now.score)], []
        for number in range(1, updates + 1):
            update = await session.update(f"update {number}")
            states.append(told(update))
            [now] = await session.measure(f"measured {number}", update["live"])
            met.append(now.share)
            scores.append(fmean(now.score))
            say(f"update {number}: {states[-1]}; met {now.share:.3f}")
    return {
        "family": plan.family,
        "seed": plan.seed,
        "met": " ".join(f"{share:.2f}" for share in met),
        "end / peak": end_to_peak(met),
        "score": " ".join(f"{score:.2f}" for score in scores),
        "score end / peak": end_to_peak(scores),
        "updates": ", ".join(states),
    }


def end_to_peak(values: list[float]) -> float:
    """1 where nothing was ever gained, since nothing was lost then either."""
    return round(values[-1] / max(values), 3) if max(values) > 0 else 1.0
