"""Figures over time for the page of administrators: a row every half minute, kept for a week.

Rows older than a day are thinned to one every five minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import redis
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from assistant import rates, valkey
from assistant.models import Measurement
from assistant.operations import state, tally

EVERY_S = 30.0
KEPT, WHOLE = timedelta(days=7), timedelta(days=1)
THINNED_S = 300
MOST_POINTS = 400
# These only ever grow; what is shown is how fast.
GROWING = ("requests", "answers", "tokens", "refused", "engine_tokens", "failures")


def measure() -> Measurement:
    """Write down the figures of now, and forget what is old."""
    now = timezone.now()
    forget(now)
    return Measurement.objects.create(at=now, figures=_figures())


def _figures() -> dict[str, float]:
    return {**_from_valkey(), **_from_database(), **_from_engines()}


def _from_valkey() -> dict[str, float]:
    """Nothing where Valkey does not answer."""
    try:
        counts, refused = tally.read(valkey.client()), rates.refusals()[0]
        found, queues = state.processes(), state.queues()
    except redis.RedisError:
        return {}
    requests = list(tally.counted(counts, "requests"))
    return {
        "requests": sum(count for _, count in requests),
        "failures": sum(count for labels, count in requests if labels[-1].startswith("5")),
        "answers": sum(count for _, count in tally.counted(counts, "answers")),
        "tokens": sum(n for labels, n in tally.counted(counts, "tokens") if labels == ["sampled"]),
        "refused": sum(refused.values()),
        "sockets": sum(process.sockets for process in found),
        "memory_mb": sum(process.memory_mb for process in found),
        "queued_tasks": sum(queues.values()),
    }


def _from_database() -> dict[str, float]:
    open_answers = state.answers_open()
    return {
        "answers_queued": open_answers["queued"],
        "answers_running": open_answers["running"],
        "lag_s": state.generation_lag_s(),
        "database_mb": state.database().bytes / 1e6,
    }


def _from_engines() -> dict[str, float]:
    engines = asyncio.run(state.engines())
    figures: dict[str, float] = {"engines_up": sum(each.is_up for each in engines)}
    told = [each for each in engines if each.sampled_tokens is not None]
    if told:
        figures["engine_tokens"] = sum(each.sampled_tokens or 0 for each in told)
        figures["engine_running"] = sum(each.running or 0 for each in told)
        figures["engine_cache"] = max(each.cache or 0 for each in told)
    return figures


def forget(now: datetime) -> None:
    Measurement.objects.filter(at__lt=now - KEPT).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM assistant_measurement WHERE id IN (SELECT id FROM ("
            " SELECT id, row_number() OVER (PARTITION BY floor(extract(epoch FROM at) / %s)"
            " ORDER BY at) AS place FROM assistant_measurement WHERE at < %s) AS old"
            " WHERE place > 1)",
            [THINNED_S, now - WHOLE],
        )


def points(hours: float) -> list[dict[str, float | None]]:
    """The figures of the last `hours`, oldest first, at most `MOST_POINTS` of them.

    `at` is in seconds of the epoch. What only grows is given as so much a second since the point
    before; after a restart, when it starts at 0 again, as nothing.
    """
    rows = list(_since(timezone.now() - timedelta(hours=hours)))
    step = max(1, -(-len(rows) // MOST_POINTS))
    chosen = rows[::-1][::step][::-1]
    return [_point(before, row) for before, row in zip([None, *chosen], chosen, strict=False)]


def _since(moment: datetime) -> QuerySet[Measurement]:
    return Measurement.objects.filter(at__gte=moment).order_by("at")


def _point(before: Measurement | None, row: Measurement) -> dict[str, float | None]:
    found: dict[str, float | None] = {"at": row.at.timestamp(), **row.figures}
    for name in GROWING:
        found[name] = None
        if before is not None and name in row.figures:
            found[name] = _speed(before.figures, row.figures, name, row.at - before.at)
    return found


def _speed(
    before: Mapping[str, float], after: Mapping[str, float], name: str, span: timedelta
) -> float | None:
    if name not in before or after[name] < before[name]:
        return None
    return (after[name] - before[name]) / max(span.total_seconds(), 1e-3)
