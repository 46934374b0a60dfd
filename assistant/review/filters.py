"""Which items: the filters of the page's address and of the API, as one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from assistant.models import Contradiction, ReviewItem
from assistant.models.conversation import not_deleted

# From here on the reward model could as well have thrown a coin: it predicted 25 to 75 per cent.
UNSURE = 0.75
State = ReviewItem.State


@dataclass(frozen=True, slots=True)
class Filters:
    """`state` is one of an item's states or `claimed`; empty is any. Days are in UTC."""

    state: str = ""
    kind: str = ""
    pseudonym: str = ""
    policy: str = ""
    tag: str = ""
    pii: bool | None = None
    contradiction: bool | None = None
    unsure: bool | None = None
    since: date | None = None
    until: date | None = None
    q: str = ""


def readable() -> QuerySet[ReviewItem]:
    """Items that anybody may look at: the consent is part of the statement."""
    return ReviewItem.objects.filter(
        not_deleted("feedback__message__conversation"),
        person__training_consent=True,
        conversation__is_temporary=False,
    ).defer("meaning", "document", "words")


def matching(filters: Filters) -> QuerySet[ReviewItem]:
    rows = _by_state(readable(), filters.state)
    for name in ("kind", "policy"):
        if value := getattr(filters, name):
            rows = rows.filter(**{name: value})
    if filters.pseudonym:
        rows = rows.filter(pseudonym__startswith=filters.pseudonym)
    if filters.tag:
        rows = rows.filter(tags__contains=[filters.tag])
    if filters.pii is not None:
        rows = rows.filter(has_pii=filters.pii)
    if filters.unsure is not None:
        unsure = Q(unsure__gte=UNSURE)
        rows = rows.filter(unsure if filters.unsure else ~unsure | Q(unsure=None))
    if filters.contradiction is not None:
        opposed = Exists(Contradiction.objects.filter(item=OuterRef("pk")))
        rows = rows.filter(opposed if filters.contradiction else ~opposed)
    if filters.since:
        rows = rows.filter(created_at__date__gte=filters.since)
    if filters.until:
        rows = rows.filter(created_at__date__lte=filters.until)
    if filters.q.strip():
        asked = SearchQuery(filters.q, config="simple", search_type="websearch")
        rows = rows.filter(document=asked)
    return rows


def most_telling_first(rows: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
    """By influence times uncertainty; what the reward model has not read yet comes last."""
    return rows.order_by(F("priority").desc(), "created_at", "pk")


def _by_state(rows: QuerySet[ReviewItem], state: str) -> QuerySet[ReviewItem]:
    if not state:
        return rows
    if state == "claimed":
        return rows.filter(state=State.PENDING, lease_until__gt=timezone.now())
    return rows.filter(state=state)
