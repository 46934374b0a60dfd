"""Three wishes one after the other: what of the earlier ones, and of general knowledge, is left?

The same people want A, then B, then C. After each phase general questions are asked, and all three
wishes are measured. An alarm about the change of mind is what Danas should raise; it is closed,
as a reviewer would, and counted.
"""

from __future__ import annotations

from statistics import fmean
from typing import Any

from tests.benchmarks.simulated import Settings, danas, journal_of, say, told
from tests.simulation.attributes import wish_of
from tests.simulation.journal import Journal
from tests.simulation.people import crowd
from tests.simulation.session import Plan, Session
from tests.simulation.statistics import difference

Row = dict[str, Any]
PHASES = ("length", "question", "exclamation")
FULL = {"events": 100, "updates_every": 50, "held_out": 64}
QUICK = {"events": 40, "updates_every": 40, "held_out": 48}


async def run(settings: Settings) -> list[tuple[str, list[Row]]]:
    journal = journal_of("forgetting", settings)
    size = QUICK if settings.is_quick else FULL
    journal.claim({**size, "phases": list(PHASES)})
    rows: list[Row] = []
    for seed in range(settings.seeds):
        if settings.is_over:
            say("the time is over")
            break
        plan = Plan(family=PHASES[0], seed=seed, **size)
        rows += await journal.once(f"seed {seed}", lambda plan=plan: _one(plan, journal))
    title = "Forgetting: three phases, general questions and earlier wishes after each"
    return [(title, rows)] if rows else []


async def _one(plan: Plan, journal: Journal) -> list[Row]:
    """The journal keeps what was answered to the general questions, to see what went wrong."""
    wishes = [wish_of(family, plan.seed) for family in PHASES]
    say(f"forgetting, seed {plan.seed}: {'; then '.join(wish.name for wish in wishes)}")
    async with danas(plan.people) as accounts:
        session = Session(plan, accounts, Journal(None))
        replies = await session.measure_general("general 0", "base")
        journal.note(f"seed {plan.seed}: base", replies)
        general = [_right(replies)]
        measured = await session.measure("base", "base", *wishes)
        rows = [_row(plan, "base", general, [each.share for each in measured], [], 0)]
        for phase, wish in enumerate(wishes):
            states, alarms = [], 0
            people = crowd(wish, plan.people)
            for start in range(0, plan.events, plan.updates_every):
                first = phase * plan.events + start
                last = phase * plan.events + min(start + plan.updates_every, plan.events)
                await session.feedback(people, first, last)
                alarms += len(await accounts.admin.close_alarms("They want something else now."))
                update = await session.update(f"update {last}")
                states.append(told(update))
                say(f"{last} events: {states[-1]}. {update['reason']}")
            live = await accounts.admin.live()
            replies = await session.measure_general(f"general {phase + 1}", live)
            journal.note(f"seed {plan.seed}: after {wish.name}", replies)
            general.append(_right(replies))
            measured = await session.measure(f"measured {phase + 1}", live, *wishes)
            shares = [each.share for each in measured]
            rows.append(_row(plan, wish.name, general, shares, states, alarms))
    return rows


def _row(
    plan: Plan,
    after: str,
    general: list[list[float]],
    shares: list[float],
    states: list[str],
    alarms: int,
) -> Row:
    names = ("A", "B", "C")
    return {
        "seed": plan.seed,
        "after": after,
        "general %": round(fmean(general[-1]), 1),
        "points from base": str(difference([general[-1]], [general[0]])),
        **{f"{name} met": round(share, 3) for name, share in zip(names, shares, strict=True)},
        "alarms": alarms,
        "updates": ", ".join(states),
    }


def _right(replies: list[dict[str, Any]]) -> list[float]:
    """In points: 100 for each that is right."""
    return [100.0 * reply["is_right"] for reply in replies]
