"""One verdict on many items: first looked at, then done to exactly what was looked at, then undone
if it was a mistake."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assistant.errors import AssistantError, NotFound, PreviewStale, ReviewInvalid
from assistant.models import Bulk, ReviewItem, User, Verdict
from assistant.review import claims, decisions
from assistant.review.decisions import Ruling
from assistant.review.filters import Filters, matching, most_telling_first, readable
from assistant.review.redaction import Span

MOST = 500
EXAMPLES = 10
# A preview that was not applied by then is made anew.
PREVIEWS_KEPT = timedelta(days=1)
# A correction is one answer's.
VERDICTS = (Verdict.ACCEPT, Verdict.REJECT, Verdict.REDACT, Verdict.ESCALATE)


@dataclass(frozen=True, slots=True)
class Preview:
    bulk: Bulk
    examples: list[ReviewItem]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """`skipped`: decided, held by somebody, or gone since the preview."""

    done: int
    skipped: int


def preview(reviewer: User, filters: Filters, verdict: Verdict) -> Preview:
    """What a verdict would be about: the pending items that match and that are free.

    Raises:
        ReviewInvalid: a verdict that has to be given one by one.
    """
    if verdict not in VERDICTS:
        raise ReviewInvalid("verdict: corrections are made one by one.")
    forget_previews()
    rows = claims.free_for(reviewer, matching(filters))
    if verdict == Verdict.REDACT:
        rows = rows.filter(has_pii=True)
    found = list(most_telling_first(rows).values_list("pk", flat=True)[: MOST + 1])
    bulk = Bulk.objects.create(by=reviewer, verdict=verdict, items=found[:MOST])
    shown = readable().in_bulk(bulk.items[:EXAMPLES])
    examples = [shown[pk] for pk in bulk.items[:EXAMPLES] if pk in shown]
    return Preview(bulk, examples, has_more=len(found) > MOST)


def forget_previews() -> None:
    Bulk.objects.filter(applied_at=None, made_at__lt=timezone.now() - PREVIEWS_KEPT).delete()


def apply(reviewer: User, pk: UUID) -> Outcome:
    """Do it to exactly the items of the preview that are still free.

    Each in a transaction of its own: hundreds of people must not have to wait for all of it. Where
    the process ends in the middle, the rest is still in the queue, and what was done can be undone.

    Raises:
        PreviewStale: it is not this reviewer's, or was done already.
    """
    mine = Bulk.objects.filter(pk=pk, by=reviewer, applied_at=None)
    if not mine.update(applied_at=timezone.now()):
        raise PreviewStale("This preview was used already, or is not yours. Make a new one.")
    bulk = Bulk.objects.get(pk=pk)
    done = sum(_decide(reviewer, item, bulk) for item in bulk.items)
    return Outcome(done, len(bulk.items) - done)


def undo(reviewer: User, pk: UUID) -> Outcome:
    """Take all of it back, except what was decided anew since, or is held by somebody.

    Raises:
        NotFound: nothing of this reviewer's that was done and not undone.
    """
    mine = Bulk.objects.filter(pk=pk, by=reviewer, applied_at__isnull=False, undone_at=None)
    if (bulk := mine.first()) is None:
        raise NotFound("There is nothing to undo.")
    made = list(bulk.decisions.filter(undone_at=None))
    done = sum(_undo(reviewer, decision.item_id, decision.pk) for decision in made)
    mine.update(undone_at=timezone.now())
    return Outcome(done, len(made) - done)


def _decide(reviewer: User, pk: UUID, bulk: Bulk) -> bool:
    try:
        with transaction.atomic():
            decisions.hold(pk)
            # Free ones only: what the reviewer has open beside this is theirs to decide by itself.
            if not claims.free_for(reviewer, readable()).filter(pk=pk).exists():
                return False
            item = claims.claim(reviewer, pk)
            spans = [Span(each["where"], each["start"], each["end"]) for each in item.pii]
            is_redaction = bulk.verdict == Verdict.REDACT
            ruling = Ruling(Verdict(bulk.verdict), spans=spans if is_redaction else ())
            decisions.decide(reviewer, pk, item.token or uuid.uuid4(), ruling, bulk=bulk)
    except AssistantError:
        return False
    return True


def _undo(reviewer: User, item: UUID, decision: UUID) -> bool:
    try:
        with transaction.atomic():
            standing = decisions.standing(decisions.hold(item))
            if not standing or standing[-1].pk != decision:
                return False
            held = decisions.undo(reviewer, item)
            if held.token is not None:
                claims.release(reviewer, item, held.token)
    except AssistantError:
        return False
    return True
