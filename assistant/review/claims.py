"""Who works on an item: a lease that ends by itself, taken and kept by conditional updates.

No lock is held while a person reads. Two who want the same item meet in one statement's condition,
and only one of them finds it true.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.errors import ItemTaken, LeaseLost, NotAllowed, NotFound
from assistant.models import ReviewItem, Role, User
from assistant.review.filters import Filters, matching, most_telling_first, readable

LEASE = timedelta(minutes=10)
# How many of the first are tried at a time, where others are claiming too.
CANDIDATES = 20
State = ReviewItem.State


def claim_next(reviewer: User, filters: Filters, skip: Collection[UUID] = ()) -> ReviewItem | None:
    """The most telling item that is free for this reviewer, now theirs; None where none is left."""
    free = most_telling_first(free_for(reviewer, matching(filters)).exclude(pk__in=skip))
    while candidates := list(free.values_list("pk", flat=True)[:CANDIDATES]):
        for pk in candidates:
            if _take(reviewer, pk, State.PENDING):
                return find(pk)
    return None


def claim(reviewer: User, pk: UUID) -> ReviewItem:
    """Have this item for a while. Claiming what one has starts the lease anew.

    Raises:
        NotFound: there is no such item (any more).
        NotAllowed: one's own feedback, one's own first decision, or a matter for administrators.
        ItemTaken: another reviewer has it, or it is decided.
    """
    item = find(pk)
    _check_may(reviewer, item)
    if not _take(reviewer, pk, State(item.state)):
        item = find(pk)
        holder = item.holder.username if item.holder else ""
        if item.state in (State.PENDING, State.ESCALATED) and holder:
            raise ItemTaken(f"{holder} is looking at this one.")
        raise ItemTaken("This one is decided; undo that first.")
    return find(pk)


def renew(reviewer: User, pk: UUID, token: UUID) -> ReviewItem:
    """Have it for another while; also when the lease ended and nobody else took it.

    Raises:
        LeaseLost: somebody else took it, or it is decided or gone.
    """
    held = ReviewItem.objects.filter(pk=pk, holder=reviewer, token=token)
    if not held.update(lease_until=timezone.now() + LEASE):
        raise LeaseLost(why_lost(pk))
    return find(pk)


def release(reviewer: User, pk: UUID, token: UUID) -> None:
    """Give it back; doing it twice, or too late, changes nothing."""
    held = ReviewItem.objects.filter(pk=pk, holder=reviewer, token=token)
    held.update(holder=None, token=None, lease_until=None)


def find(pk: UUID) -> ReviewItem:
    item = readable().select_related("holder", "first_by").filter(pk=pk).first()
    if item is None:
        raise NotFound("There is no such item: the feedback may have been taken back.")
    return item


def why_lost(pk: UUID) -> str:
    item = readable().select_related("holder").filter(pk=pk).first()
    if item is None:
        return "The feedback was taken back or deleted meanwhile."
    if item.holder is not None:
        return f"Your hold on this item ended, and {item.holder.username} has it now."
    if item.state not in (State.PENDING, State.ESCALATED):
        return "Your hold on this item ended, and somebody decided it meanwhile."
    return (
        "You no longer have this item: it was given back, or a redaction changed its text. Nobody"
        " has it now; take it again to go on."
    )


def is_alone(reviewer: User) -> bool:
    """Whether nobody else here could review."""
    others = User.objects.filter(is_active=True, role__in=(Role.REVIEWER, Role.ADMIN))
    return not others.exclude(pk=reviewer.pk).exists()


def free_for(reviewer: User, rows: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
    free = rows.filter(_is_free()).filter(state=State.PENDING)
    free = free.exclude(first_by=reviewer, first_by__isnull=False)
    return free if is_alone(reviewer) else free.exclude(person=reviewer)


def _is_free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=timezone.now())


def _check_may(reviewer: User, item: ReviewItem) -> None:
    if item.state == State.ESCALATED and reviewer.role != Role.ADMIN:
        raise NotAllowed("This one waits for an administrator.")
    if item.state == State.PENDING and item.first_by_id == reviewer.pk:
        raise NotAllowed("You have decided this one; it waits for a second reviewer.")
    if item.person_id == reviewer.pk and not is_alone(reviewer):
        raise NotAllowed("This is your own feedback; somebody else has to look at it.")


def _take(reviewer: User, pk: UUID, state: ReviewItem.State) -> bool:
    """The one statement that decides who has an item, which is still in that state."""
    if state not in (State.PENDING, State.ESCALATED):
        return False
    mine_or_free = _is_free() | Q(holder=reviewer)
    own_first = Q(first_by=reviewer, state=State.PENDING)
    taken = ReviewItem.objects.filter(mine_or_free, ~own_first, pk=pk, state=state)
    values = {
        "holder": reviewer,
        "token": uuid.uuid4(),
        "lease_until": timezone.now() + LEASE,
    }
    return bool(taken.update(**values))
