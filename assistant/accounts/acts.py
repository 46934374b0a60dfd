"""What was done by hand, and who did it: administrators, and anybody to a way into an account.

Written in the transaction of what was done; rows are only ever added. Signing in is no act.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.models import Act, User

LONGEST_SUBJECT = 120


def note(by: User, kind: str, subject: str = "") -> None:
    """`subject` names what it was done to; it is nobody's words and no secret."""
    Act.objects.create(person=by, name=by.username, kind=kind, subject=subject[:LONGEST_SUBJECT])


def listed(limit: int, before: int | None = None) -> Sequence[Act]:
    """The latest first, from the act `before` downwards."""
    rows = Act.objects.order_by("-pk")
    return list((rows if before is None else rows.filter(pk__lt=before))[:limit])
