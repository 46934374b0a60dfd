"""Deciding, and undoing it: one item, one reviewer, all or nothing.

Some items need a second reviewer, who does not see what the first one made of them. Nothing comes
of the first decision until then: where both say the same, it counts; where not, an administrator
decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.errors import LeaseLost, MessageOversize, NotAllowed, NotFound, ReviewInvalid
from assistant.models import Bulk, Decision, ReviewItem, Role, User, Verdict
from assistant.review import audit, claims, consequences, redaction
from assistant.review.describing import texts_of
from assistant.review.redaction import Span

State = ReviewItem.State
STATE_OF = {
    Verdict.ACCEPT: State.ACCEPTED,
    Verdict.CORRECT: State.CORRECTED,
    Verdict.REJECT: State.REJECTED,
    Verdict.REDACT: State.REDACTED,
    Verdict.ESCALATE: State.ESCALATED,
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer wants: `text` for a correction, `spans` for a redaction."""

    verdict: Verdict
    text: str = ""
    spans: Sequence[Span] = ()
    note: str = ""


@transaction.atomic
def decide(
    reviewer: User, pk: UUID, token: UUID, ruling: Ruling, *, bulk: Bulk | None = None
) -> ReviewItem:
    """Decide a claimed item. Deciding again under the same claim changes nothing.

    Raises:
        NotFound: the feedback was taken back, or its owner's consent.
        LeaseLost: another reviewer has it, or decided it.
        ReviewInvalid, MessageOversize: text or spans do not fit the verdict.
    """
    item = hold(pk)
    if Decision.objects.filter(token=token, by=reviewer, item=pk).exists():
        return item
    words = _check(item, ruling)
    released = {"holder": None, "token": None, "lease_until": None}
    held = ReviewItem.objects.filter(pk=pk, holder=reviewer, token=token, state=item.state)
    if not held.update(**released):
        raise LeaseLost(claims.why_lost(pk))
    before = standing(item)
    first = before[0] if item.state == State.PENDING and before else None
    decision = Decision.objects.create(
        item=item,
        by=reviewer,
        verdict=ruling.verdict,
        text=ruling.text,
        note=ruling.note,
        is_second=first is not None,
        token=token,
        bulk=bulk,
    )
    _keep_words(decision, words)
    old = item.state
    _conclude(reviewer, item, decision, first)
    after = {
        "state": item.state,
        "verdict": ruling.verdict,
        "characters": len(ruling.text),
        "spans": len(words),
        "bulk": str(bulk.pk) if bulk else None,
        "waits_for_second": item.state == State.PENDING,
    }
    audit.record(reviewer, "decide", item, {"state": old}, after)
    return claims.find(pk)


@transaction.atomic
def undo(reviewer: User, pk: UUID) -> ReviewItem:
    """Take back the last decision on an item, with all that came of it; it is the reviewer's
    again, to be decided anew.

    Raises:
        NotFound: there is no such item, or nothing to undo.
        NotAllowed: somebody else's decision, for all but administrators.
    """
    item = hold(pk)
    decisions = standing(item)
    if not decisions or (audit.is_blind_to(reviewer, item) and decisions[-1].by_id != reviewer.pk):
        raise NotFound("There is no decision to undo.")
    last = decisions[-1]
    if last.by_id != reviewer.pk and reviewer.role != Role.ADMIN:
        raise NotAllowed("Only who decided it, or an administrator, can undo it.")
    if not Decision.objects.filter(pk=last.pk, undone_at=None).update(undone_at=timezone.now()):
        raise NotFound("There is no decision to undo.")
    old = item.state
    if old != State.PENDING:
        consequences.withdraw(item)
    _step_back(item, decisions[:-1])
    audit.record(reviewer, "undo", item, {"state": old}, {"state": item.state})
    if item.first_by_id != reviewer.pk and item.state == State.PENDING:
        return claims.claim(reviewer, pk)
    return claims.find(pk)


def standing(item: ReviewItem) -> list[Decision]:
    """Those that were not undone, oldest first."""
    return list(item.decisions.filter(undone_at=None).order_by("made_at"))


def hold(pk: UUID) -> ReviewItem:
    """An item as it is now; what its person does, and other decisions on what they said, wait for
    this transaction. Who needs other locks too takes this one first.

    Raises:
        NotFound: the feedback was taken back, or its owner's consent.
    """
    person = claims.find(pk).person_id
    User.objects.select_for_update(no_key=True).get(pk=person)
    return claims.find(pk)


def _check(item: ReviewItem, ruling: Ruling) -> list[str]:
    """The words to redact, if any."""
    if (ruling.verdict == Verdict.CORRECT) != bool(ruling.text.strip()):
        raise ReviewInvalid("text: needed for a correction, and only there.")
    if (ruling.verdict == Verdict.REDACT) != bool(ruling.spans):
        raise ReviewInvalid("spans: needed for a redaction, and only there.")
    if len(ruling.text.encode()) > settings.MESSAGE_BYTES:
        raise MessageOversize(f"text: at most {settings.MESSAGE_BYTES:,} bytes are taken.")
    return redaction.marked(texts_of(item), ruling.spans)


def _keep_words(decision: Decision, words: list[str]) -> None:
    """What a redaction is to hide, whether it counts by now or waits for a second reviewer."""
    for each in dict.fromkeys(words):
        decision.redactions.create(
            conversation_id=decision.item.conversation_id, words=each, is_undone=True
        )


def _conclude(reviewer: User, item: ReviewItem, decision: Decision, first: Decision | None) -> None:
    if first is None and _waits_for_second(reviewer, item, decision):
        item.first_by = reviewer
        ReviewItem.objects.filter(pk=item.pk).update(first_by=reviewer)
        return
    agreed = first is None or first.verdict == decision.verdict
    item.state = STATE_OF[Verdict(decision.verdict)] if agreed else State.ESCALATED
    ReviewItem.objects.filter(pk=item.pk).update(state=item.state, decided_at=timezone.now())
    consequences.follow(item, [each for each in (first, decision) if each] if agreed else [])


def _waits_for_second(reviewer: User, item: ReviewItem, decision: Decision) -> bool:
    is_first_look = item.state == State.PENDING and item.needs_second
    if not is_first_look or decision.verdict == Verdict.ESCALATE:
        return False
    others = User.objects.filter(is_active=True, role__in=(Role.REVIEWER, Role.ADMIN))
    return others.exclude(pk__in=(reviewer.pk, item.person_id)).exists()


def _step_back(item: ReviewItem, left: list[Decision]) -> None:
    """To where the item was before its last decision."""
    has_disagreed = len(left) == 2
    if has_disagreed or (left and left[-1].verdict == Verdict.ESCALATE):
        item.state = State.ESCALATED
    else:
        item.state = State.PENDING
    item.first_by = left[0].by if left and item.state == State.PENDING else None
    ReviewItem.objects.filter(pk=item.pk).update(
        state=item.state, first_by=item.first_by, decided_at=None
    )
