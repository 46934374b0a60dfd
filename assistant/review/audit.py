"""Who did what to which item, when, before and after. Written with the act, never changed."""

from __future__ import annotations

from typing import Any

from assistant.models import AuditEntry, Decision, ReviewItem, User


def record(
    by: User, act: str, item: ReviewItem, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Call it inside the transaction of the act. Ids, states and counts only, nobody's words."""
    AuditEntry.objects.create(
        item=item.pk,
        feedback=item.feedback_id,
        by=by.pk,
        by_name=by.username,
        act=act,
        before=before,
        after=after,
    )


def visible_to(reader: User, item: ReviewItem) -> list[AuditEntry]:
    """An item's history; while its second review is open, what the first reviewer did is theirs."""
    rows = AuditEntry.objects.filter(item=item.pk)
    if is_blind_to(reader, item):
        rows = rows.filter(by=reader.pk)
    return list(rows)


def is_blind_to(reader: User, item: ReviewItem) -> bool:
    """Whether somebody else's first decision has to be kept from this reviewer."""
    is_open = item.state == ReviewItem.State.PENDING and item.first_by_id is not None
    return is_open and item.first_by_id != reader.pk


def decisions_for(reader: User, item: ReviewItem) -> list[Decision]:
    rows = item.decisions.filter(undone_at=None).select_related("by")
    if is_blind_to(reader, item):
        rows = rows.filter(by=reader)
    return list(rows)
