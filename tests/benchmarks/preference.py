"""Is what people wanted met on held-out questions after 200 pieces of feedback, and by how much?

Against: the base; the best of four of the base's answers by the reward model; the base told what
is wanted; KTO from the same feedback, from the base on, with as many updates.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tests.benchmarks.simulated import Settings, danas, journal_of, say, told
from tests.simulation.journal import Journal
from tests.simulation.rising import rising
from tests.simulation.session import Accounts, Measured, Plan, Session
from tests.simulation.statistics import difference

Row = dict[str, Any]
FULL = {"events": 200, "updates_every": 100, "held_out": 64}
QUICK = {"events": 80, "updates_every": 80, "held_out": 48}
WAYS = ("base", "best of 4", "told", "kto", "rloo")


async def run(settings: Settings) -> list[tuple[str, list[Row]]]:
    journal = journal_of("preference", settings)
    size = QUICK if settings.is_quick else FULL
    journal.claim({**size, "families": list(settings.families)})
    for family, seed in settings.runs:
        plan = Plan(family=family, seed=seed, **size)
        if settings.is_over:
            say("the time is over")
            break
        await journal.once(f"{family} {seed}", lambda plan=plan: _one(plan))
    return tables(settings, journal)


async def _one(plan: Plan) -> dict[str, Any]:
    say(f"preference: {plan.family}, seed {plan.seed}: {plan.wish.name}")
    async with danas(plan.people) as accounts:
        return await measure_ways(plan, accounts)


async def measure_ways(plan: Plan, accounts: Accounts) -> dict[str, Any]:
    """All the ways to meet a wish, on one log of feedback."""
    journal = Journal(None)
    session = Session(plan, accounts, journal)
    rows, measured = await rising(session)
    ways: dict[str, Measured] = {"base": measured[0], "rloo": measured[-1]}
    ways["best of 4"] = await session.measure_best_of("best of 4", "base")
    [ways["told"]] = await session.measure("told", "base", is_told=True)
    await accounts.admin.activate("base")
    updates = [told(journal[f"update {number}"]) for number in range(1, len(rows))]
    for number in range(1, len(rows)):
        update = await session.update(f"kto {number}", "kto")
        updates.append(f"kto {told(update)}")
        say(f"kto {number}: {update['state']}. {update['reason']}")
    [ways["kto"]] = await session.measure("kto", await accounts.admin.live())
    return {
        "wish": plan.wish.name,
        "ways": {way: asdict(ways[way]) for way in WAYS},
        "curve": [round(each.share, 3) for each in measured],
        "reward auc": [row["reward auc"] for row in rows[1:]],
        "updates": updates,
        "seconds": {key: round(value, 1) for key, value in journal.seconds.items()},
    }


def tables(settings: Settings, journal: Journal) -> list[tuple[str, list[Row]]]:
    """Per run, and over all runs with the interval of the difference from the base."""
    done = [(family, seed) for family, seed in settings.runs if f"{family} {seed}" in journal]
    results = [journal[f"{family} {seed}"] for family, seed in done]
    if not results:
        return []
    runs = [
        {
            "family": family,
            "seed": seed,
            "wish": result["wish"],
            **{way: round(_share(result, way), 3) for way in WAYS},
            "reward auc": result["reward auc"][-1],
            "rloo by update": " ".join(f"{share:.2f}" for share in result["curve"]),
            "updates": ", ".join(result["updates"]),
        }
        for (family, seed), result in zip(done, results, strict=True)
    ]
    met = {way: [result["ways"][way]["met"] for result in results] for way in WAYS}
    overall = [
        {
            "way": way,
            "met": round(sum(_share(result, way) for result in results) / len(results), 3),
            "over base": str(difference(met[way], met["base"])),
            "rloo over it": str(difference(met["rloo"], met[way])),
            "runs": len(results),
        }
        for way in WAYS
    ]
    return [
        ("Preference: wishes met on held-out questions, run by run", runs),
        ("Preference overall: mean and 95 % interval over seeds and questions", overall),
    ]


def _share(result: dict[str, Any], way: str) -> float:
    return Measured(**result["ways"][way]).share
