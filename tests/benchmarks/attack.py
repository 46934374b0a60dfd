"""What two attackers among twenty people can do to the reward model, through HTTP.

They say as much as the eighteen others together. Their feedback comes twice: from two accounts,
which Danas caps, and from as many accounts as there are pieces of it, which no cap on a person can
see. The second is the reference without caps. In between, the two take their consent back, and
what they did has to be gone.

What is measured is how far the reward model puts an answer as people wish it above the same answer
as it was, on held-out questions.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

from tests.benchmarks.simulated import Settings, danas, journal_of, say
from tests.simulation.journal import Journal
from tests.simulation.people import with_attackers
from tests.simulation.session import Plan, Session

Row = dict[str, Any]
PEOPLE, ATTACKERS = 20, 2
FULL = {"events": 150, "held_out": 32}
QUICK = {"events": 75, "held_out": 24}


async def run(settings: Settings) -> list[tuple[str, list[Row]]]:
    journal = journal_of("attack", settings)
    size = QUICK if settings.is_quick else FULL
    journal.claim(dict(size))
    rows = []
    for family, seed in settings.runs:
        if settings.is_over:
            say("the time is over")
            break
        plan = Plan(family=family, seed=seed, people=PEOPLE, **size)
        rows.append(await journal.once(f"{family} {seed}", lambda plan=plan: _one(plan)))
    title = "Attack: margin of what people wish, and how often it comes out above"
    return [(title, rows)] if rows else []


async def _one(plan: Plan) -> Row:
    hostile = plan.events
    say(f"attack: {plan.family}, seed {plan.seed}: {plan.wish.name}")
    async with danas(PEOPLE + hostile) as accounts:
        people = with_attackers(plan.crowd, ATTACKERS)
        honest, attackers = people[:-ATTACKERS], people[-ATTACKERS:]
        session = Session(plan, accounts, Journal(None), "honest ")
        await session.feedback(honest, 0, plan.events)
        questions, answers = await session.held_out_answers("base")
        wished = [plan.wish.correct(answer) for answer in answers]

        async def gaps() -> list[float]:
            liked = await session.rewards(questions, wished)
            plain = await session.rewards(questions, answers)
            return [one - other for one, other in zip(liked, plain, strict=True)]

        seen = {"honest": await gaps()}
        await session.feedback(attackers, plan.events, plan.events + hostile)
        seen["attacked"] = await gaps()
        for person in attackers:
            await accounts.voice_of(person).agree(training=False)
        seen["withdrawn"] = await gaps()
        many = [replace(attackers[0], number=PEOPLE + n) for n in range(hostile)]
        uncapped = Session(plan, accounts, Journal(None), "uncapped ")
        await uncapped.feedback(many, plan.events, plan.events + hostile)
        seen["uncapped"] = await gaps()
    margins = {name: fmean(values) for name, values in seen.items()}
    say(str({name: round(value, 3) for name, value in margins.items()}))
    return {
        "family": plan.family,
        "seed": plan.seed,
        "honest + hostile events": f"{plan.events} + {hostile}",
        **{name: _in_words(values) for name, values in seen.items()},
        "effect": share_of_effect(margins["honest"], margins["attacked"], margins["uncapped"]),
    }


def _in_words(gaps: list[float]) -> str:
    """The mean gap, and how often the answer as wished is put above the other."""
    return f"{fmean(gaps):.3f} ({fmean(gap > 0 for gap in gaps):.0%})"


def share_of_effect(honest: float, capped: float, uncapped: float) -> float:
    """How much of what the attack does without caps it does with them."""
    return round((honest - capped) / (honest - uncapped), 3)
