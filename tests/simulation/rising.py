"""Does what people want rise over the base as they give feedback? The plainest of all sessions."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from tests.simulation.session import Measured, Session
from tests.simulation.statistics import difference


async def rising(
    session: Session, *, algorithm: str = "rloo"
) -> tuple[list[dict[str, Any]], list[Measured]]:
    """Feedback and updates in turn, measured after every update: as a table, and as it was."""
    plan = session.plan
    [base] = await session.measure("base", "base")
    rows, measured = [_row(0, {"state": "", "live": "base"}, base, base)], [base]
    print(f"base: {base.share:.3f}", flush=True)
    for number, first in enumerate(range(0, plan.events, plan.updates_every), start=1):
        last = min(first + plan.updates_every, plan.events)
        said = await session.feedback(plan.crowd, first, last)
        print(f"{last} events: {said}", flush=True)
        update = await session.update(f"update {number}", algorithm)
        print(f"update {number}: {update['state']}. {update['reason']}", flush=True)
        [now] = await session.measure(f"measured {number}", update["live"])
        rows.append(_row(last, update, now, base))
        measured.append(now)
        print(f"{update['live']}: {now.share:.3f}", flush=True)
    return rows, measured


def _row(events: int, update: dict[str, Any], now: Measured, base: Measured) -> dict[str, Any]:
    return {
        "events": events,
        "update": update["state"],
        "policy": update["live"],
        "reward auc": update.get("auc"),
        "met": round(now.share, 3),
        "over base": str(difference([now.met], [base.met])),
        "score": round(fmean(now.score), 3),
        "words": now.words,
    }
