"""Keeps what each person likes beyond everybody, for those who have judged enough."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Count, Max, Q, QuerySet

from learning.config import RewardConfig
from learning.models import Judgement, PersonEffect, RewardVersion
from learning.reward.model import Head
from learning.reward.personal import LEAST, MOST, effect_of
from learning.worker import log

Cause = RewardVersion.Cause


def refresh_next(current_head: Callable[[], tuple[Head, int]], config: RewardConfig) -> bool:
    """Fit the effect of one person whose judgements changed, or who sits on a head that was
    replaced since; says whether there was one."""
    stale = _stale()
    if stale is None:
        return False
    person, judgements = stale
    if judgements < LEAST:
        PersonEffect.objects.filter(person=person).delete()
        return True
    head, number = current_head()
    newest = _telling().filter(person=person).order_by("-version")[:MOST]
    rows = list(newest.select_related("answer", "over"))
    effect = effect_of([log.event_of_row(row) for row in reversed(rows)], head, config)
    if effect is not None:
        PersonEffect.objects.update_or_create(
            person=person,
            defaults={"head": effect.to_bytes(), "judgements": judgements, "version": number},
        )
    return effect is not None


def _stale() -> tuple[int, int] | None:
    """Somebody whose effect is not that of what they have said by now, and how much that is."""
    replaced = RewardVersion.objects.filter(cause__in=(Cause.REBUILT, Cause.REFIT))
    floor = replaced.aggregate(newest=Max("number"))["newest"] or 0
    said = {
        row["person"]: (row["count"], max(row["newest"], floor))
        for row in _telling()
        .values("person")
        .annotate(count=Count("pk"), newest=Max("version"))
        .order_by("person")
    }
    effects = {row.person: row for row in PersonEffect.objects.defer("head")}
    for person, (count, newest) in said.items():
        effect = effects.get(person)
        if effect is None and count >= LEAST:
            return person, count
        if effect is not None and (effect.judgements != count or effect.version < newest):
            return person, count
    gone = next((person for person in effects if person not in said), None)
    return None if gone is None else (gone, 0)


def _telling() -> QuerySet[Judgement]:
    """Everything that says something to a head, the common one's or the person's own."""
    silent = Q(use__in=(Judgement.Use.SILENT, Judgement.Use.WAITING))
    standing = Judgement.objects.filter(revoked_at=None, rejected_at=None)
    return standing.exclude(version=None).exclude(silent)
