"""Pages of items, and what there is to filter by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Count, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from assistant.models import Contradiction, ReviewItem
from assistant.review.filters import Filters, matching, most_telling_first, readable
from learning import lineage
from learning.lineage import Descent

# Priority, time, id of the last item of a page.
Place = tuple[float, str, str]


@dataclass(frozen=True, slots=True)
class Page:
    items: list[ReviewItem]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Counted:
    states: dict[str, int]
    contradictions: int
    policies: list[str]
    tags: list[str]


def page(filters: Filters, sort: str, after: Place | None, limit: int) -> Page:
    rows = matching(filters).select_related("holder")
    ordered = _newest_first if sort == "newest" else _telling_first
    found: list[ReviewItem] = [
        *ordered(rows, after).annotate(opponents=_opponents())[: limit + 1],
    ]
    last = found[limit - 1] if len(found) > limit else None
    place = (last.priority, last.created_at.isoformat(), str(last.pk)) if last else None
    return Page(found[:limit], place)


def counts() -> Counted:
    rows = readable()
    states = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    pending = rows.filter(state=ReviewItem.State.PENDING)
    tags = rows.order_by().annotate(tag=_unnested()).values_list("tag", flat=True).distinct()
    return Counted(
        states=states,
        contradictions=pending.filter(pk__in=Contradiction.objects.values("item")).count(),
        policies=sorted(rows.order_by().values_list("policy", flat=True).distinct()[:50]),
        tags=sorted(tags[:50]),
    )


def is_held(item: ReviewItem) -> bool:
    return item.lease_until is not None and item.lease_until > timezone.now()


def opposed(item: ReviewItem) -> int:
    """How many people said the opposite of similar answers."""
    known: int | None = getattr(item, "opponents", None)
    if known is not None:
        return known
    return _against().filter(item=item).aggregate(n=Count("other__person", distinct=True))["n"] or 0


def used_in(item: ReviewItem) -> list[Descent]:
    """The versions that learned from it: a fact of learning's, apart from any review."""
    return lineage.descents([item.feedback_id]).get(item.feedback_id, [])


def _telling_first(rows: QuerySet[ReviewItem], after: Place | None) -> QuerySet[ReviewItem]:
    if after:
        priority, at, pk = after[0], datetime.fromisoformat(after[1]), after[2]
        rows = rows.filter(
            Q(priority__lt=priority)
            | Q(priority=priority, created_at__gt=at)
            | Q(priority=priority, created_at=at, pk__gt=pk)
        )
    return most_telling_first(rows)


def _newest_first(rows: QuerySet[ReviewItem], after: Place | None) -> QuerySet[ReviewItem]:
    if after:
        at, pk = datetime.fromisoformat(after[1]), after[2]
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__gt=pk))
    return rows.order_by("-created_at", "pk")


def _against() -> QuerySet[Contradiction]:
    return Contradiction.objects.filter(other__person__training_consent=True)


def _opponents() -> Coalesce:
    people = _against().filter(item=OuterRef("pk")).order_by().values("item")
    counted = people.annotate(n=Count("other__person", distinct=True)).values("n")
    return Coalesce(Subquery(counted), Value(0))


def _unnested() -> Func:
    return Func(F("tags"), function="unnest", output_field=CharField())
