"""An item of the review queue as the API tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from assistant.api.bodies import Out
from assistant.models import ReviewItem, User
from assistant.review import audit, listing

# What an item says of itself by the same name.
PLAIN = (
    *("id", "kind", "policy", "tags", "answer", "said", "has_pii"),
    *("influence", "unsure", "created_at", "decided_at"),
)


class MarkOut(Out):
    where: str
    start: int
    end: int
    kind: str


class SaidOut(Out):
    role: str
    text: str


class ItemOut(Out):
    """`claimed_by` names who has it, `is_mine` says whether that is the caller, and only then
    there is a `token`. `opposed` counts the people who said the opposite of similar answers."""

    id: UUID
    feedback: UUID
    kind: str
    state: str
    person: str
    policy: str
    tags: list[str]
    question: str
    answer: str
    said: str
    has_pii: bool
    opposed: int
    influence: float | None
    unsure: float | None
    created_at: datetime
    decided_at: datetime | None
    claimed_by: str
    is_mine: bool
    is_own_feedback: bool
    waits_for_second: bool


class DecisionOut(Out):
    verdict: str
    text: str
    note: str
    by: str
    made_at: datetime
    is_second: bool


class UsedOut(Out):
    policy: str
    is_live: bool


class WholeItem(ItemOut):
    """`marks` are hints at what could identify somebody. `used_in` are the versions that learned
    from it, read from the lineage."""

    path: list[SaidOut]
    over: str
    marks: list[MarkOut]
    token: UUID | None
    lease_until: datetime | None
    decisions: list[DecisionOut]
    used_in: list[UsedOut]


def item_out(who: User, item: ReviewItem) -> ItemOut:
    return ItemOut(**_fields(who, item))


def _fields(who: User, item: ReviewItem) -> dict[str, Any]:
    is_held = item.token is not None and listing.is_held(item)
    return {
        **{name: getattr(item, name) for name in PLAIN},
        "feedback": item.feedback_id,
        "person": item.pseudonym,
        "state": "claimed" if is_held and item.state == "pending" else item.state,
        "question": item.path[-1]["text"] if item.path else "",
        "opposed": listing.opposed(item),
        "claimed_by": item.holder.username if is_held and item.holder else "",
        "is_mine": is_held and item.holder_id == who.pk,
        "is_own_feedback": item.person_id == who.pk,
        "waits_for_second": item.state == "pending" and item.first_by_id == who.pk,
    }


def whole_item(who: User, item: ReviewItem) -> WholeItem:
    fields = _fields(who, item)
    return WholeItem(
        **fields,
        path=item.path,
        over=item.over,
        marks=item.pii,
        token=item.token if fields["is_mine"] else None,
        lease_until=item.lease_until if fields["claimed_by"] else None,
        decisions=[
            DecisionOut(
                verdict=row.verdict,
                text=row.text,
                note=row.note,
                by=row.by.username if row.by else "",
                made_at=row.made_at,
                is_second=row.is_second,
            )
            for row in audit.decisions_for(who, item)
        ],
        used_in=[
            UsedOut(policy=each.version.name, is_live=each.is_live)
            for each in listing.used_in(item)
        ],
    )
