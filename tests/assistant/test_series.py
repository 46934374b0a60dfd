"""Figures over time: how fast things grow, and how the old ones are thinned and forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from assistant.models import Measurement
from assistant.operations import series

pytestmark = pytest.mark.django_db


def measured(age_s: float, **figures: float) -> Measurement:
    at = timezone.now() - timedelta(seconds=age_s)
    return Measurement.objects.create(at=at, figures=figures)


def test_what_only_grows_is_shown_as_so_much_a_second():
    measured(60, tokens=100, sockets=3)
    measured(30, tokens=400, sockets=4)

    first, second = series.points(1)

    # 300 tokens in 30 seconds.
    assert first["tokens"] is None
    assert second["tokens"] == pytest.approx(10, rel=0.01)
    assert [first["sockets"], second["sockets"]] == [3, 4]


def test_a_count_that_began_anew_says_nothing_until_the_next():
    measured(60, tokens=400)
    measured(30, tokens=5)

    assert series.points(1)[1]["tokens"] is None


def test_a_long_time_is_shown_in_as_many_points_as_fit():
    for place in range(900):
        measured(1 + place, sockets=place)

    points = series.points(1)

    # Every third of 900: the newest is always among them.
    assert len(points) == 300
    assert points[-1]["sockets"] == 0


def test_rows_are_thinned_after_a_day_and_gone_after_a_week():
    day_s, now = 86_400, timezone.now()
    start = (now - timedelta(days=2)).timestamp() // 300 * 300
    for place in range(20):
        at = datetime.fromtimestamp(start + 30 * place, tz=now.tzinfo)
        Measurement.objects.create(at=at, figures={})
    measured(8 * day_s)
    measured(60)

    series.forget(now)

    # 20 rows of half a minute fill two spans of five minutes.
    assert Measurement.objects.count() == 2 + 1


def test_measuring_writes_down_what_the_database_knows_even_without_an_engine(settings):
    settings.ENGINE_URLS = ["http://127.0.0.1:1"]

    figures = series.measure().figures

    assert figures["engines_up"] == 0
    assert figures["answers_queued"] == 0
    assert figures["database_mb"] > 1
    assert "engine_tokens" not in figures
