"""The door through which answers and judgements come into learning, and leave it again.

Everything here runs synchronously inside the caller's transaction and touches learning's own
rows only; `learning.queue` then asks for the work. Calling anything twice is the same as calling
it once.

Whatever takes a judgement out of the log also takes the reward head away, in the same
transaction, since the head contains it; the reward worker then builds the head anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from learning import contracts, ledger, readiness, wishes
from learning.contracts import FeedbackKind, Rewritten, ServedAnswer
from learning.errors import (
    AnswerUnknown,
    NothingToLearnFrom,
    ParticipantUnknown,
    UpdateRunning,
)
from learning.models import (
    Answer,
    Experience,
    Judgement,
    Participant,
    PersonEffect,
    RewardVersion,
    Update,
)

THUMBS = (FeedbackKind.UP, FeedbackKind.DOWN)
# After an update that failed (not one that a gate refused), beat waits this long.
PAUSE_AFTER_FAILURE = timedelta(hours=1)
# Any constant will do: whoever changes the reward head's log holds this advisory lock.
_REWARD_LOCK = 0x44616E61


def lock_reward() -> None:
    """Make changes of the reward head's log wait for each other until the transaction's end.

    A row lock would not do: the row that a concurrent reward worker is about to insert cannot be
    locked yet.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_REWARD_LOCK])


def remember(served: ServedAnswer) -> None:
    """Hand over an answer that a consenting person was served. One of no tokens is not kept."""
    if not served.response_token_ids:
        return
    Answer.objects.get_or_create(
        pk=served.answer,
        defaults={
            "person": served.person,
            "prompt_token_ids": list(served.prompt_token_ids),
            "response_token_ids": list(served.response_token_ids),
            "logprobs": list(served.logprobs),
            "temperature": served.temperature,
            "top_p": served.top_p,
            "policy": served.policy,
            "chat": served.chat,
        },
    )


@transaction.atomic
def judge(judgement: contracts.Judgement) -> None:
    """Put a judgement on the log. A newer thumb takes the place of the same person's older one.

    Raises:
        AnswerUnknown: the answer (or the sibling it was preferred to) was never handed over, or
            was served to somebody else.
    """
    needed = {judgement.answer} | ({judgement.over} if judgement.over else set())
    known = set(
        Answer.objects.filter(pk__in=needed, person=judgement.person).values_list("pk", flat=True)
    )
    if known != needed:
        raise AnswerUnknown(f"answer {min(needed - known)} was never handed over to learning")
    if Judgement.objects.filter(feedback=judgement.feedback).exists():
        return
    if judgement.kind in THUMBS:
        older = Judgement.objects.filter(
            answer=judgement.answer, person=judgement.person, kind__in=THUMBS, revoked_at=None
        )
        if older.exists():
            _revoke(older)
    Judgement.objects.get_or_create(
        feedback=judgement.feedback,
        defaults={
            "answer_id": judgement.answer,
            "over_id": judgement.over,
            "person": judgement.person,
            "kind": judgement.kind,
            "text": judgement.text,
            "tags": list(judgement.tags),
        },
    )


def revoke(feedback: UUID) -> None:
    """Take a judgement back; the reward head forgets it."""
    _revoke(Judgement.objects.filter(feedback=feedback))


def forget_answer(answer: UUID) -> None:
    """Delete an answer with its features and judgements; the reward head forgets them."""
    _forget(Answer.objects.filter(pk=answer))


@transaction.atomic
def forget_person(person: int) -> None:
    """Delete all that came from a person; the reward head and the probe of memory forget it."""
    wishes.forget_person(person)
    _forget(Answer.objects.filter(person=person))
    PersonEffect.objects.filter(person=person).delete()
    Participant.objects.filter(person=person).delete()


@transaction.atomic
def leave_out(number: int, *, by: str, because: str) -> None:
    """Have the reward head forget what a participant said, and no update learn from it.

    An adapter of their own that they have stays: it answers nobody else. Doing it twice changes
    nothing.

    Raises:
        ParticipantUnknown: nobody has this number.
    """
    _mark(number, by, {"left_out_at": timezone.now(), "left_out_because": because})


@transaction.atomic
def take_back(number: int, *, by: str) -> None:
    """Let a participant count again who was left out.

    Raises:
        ParticipantUnknown: nobody has this number.
    """
    _mark(number, by, {"left_out_at": None, "left_out_because": ""})


@transaction.atomic
def accept(feedback: UUID, *, text: str = "", reviewers: int = 1) -> None:
    """Make a judgement an experience. With a `text`, that is the answer to learn from.

    Does nothing where the judgement was taken back or never came here.
    """
    judgement = Judgement.objects.filter(feedback=feedback, revoked_at=None).first()
    if judgement is None:
        return
    Experience.objects.update_or_create(
        judgement=judgement, defaults={"text": text, "reviewers": reviewers}
    )
    verdict = "corrected" if text else "accepted"
    _write_review(feedback, {"verdict": verdict, "reviewers": reviewers})


def reword(feedback: UUID, text: str) -> None:
    """Change the answer that a reviewer wrote, where a judgement is learned from by it."""
    Experience.objects.filter(judgement__feedback=feedback).exclude(text="").update(text=text)


@transaction.atomic
def reject(feedback: UUID) -> None:
    """Have the reward head forget one judgement, and no update learn from it."""
    _mark_rejected(feedback, is_rejected=True)


@transaction.atomic
def withdraw_review(feedback: UUID) -> None:
    """Undo `accept` or `reject`: the judgement counts as if nobody had reviewed it."""
    gone, _ = Experience.objects.filter(judgement__feedback=feedback).delete()
    if gone:
        _write_review(feedback, {"verdict": "withdrawn"})
    _mark_rejected(feedback, is_rejected=False)


@transaction.atomic
def note_redaction(feedback: UUID, *, is_undone: bool) -> None:
    """Write down that a reviewer blacked something out around a judgement, or showed it again."""
    if Judgement.objects.filter(feedback=feedback).exists():
        _write_review(feedback, {"verdict": "withdrawn" if is_undone else "redacted"})


@transaction.atomic
def rewrite(answers: Sequence[Rewritten], texts: Mapping[UUID, str]) -> None:
    """Replace what is kept of some answers and, by feedback id, of what was said about them.

    What was derived from them is made anew: features, and the head where it contained one of the
    judgements, which are then taken in again.
    """
    lock_reward()
    changed = [each.answer for each in answers if _has_rewritten(each)]
    said = Judgement.objects.filter(feedback__in=texts)
    altered = [row for row in said if row.text != texts[row.feedback]]
    for row in altered:
        Judgement.objects.filter(pk=row.pk).update(text=texts[row.feedback])
    touched = Q(answer__in=changed) | Q(over__in=changed) | Q(pk__in=[row.pk for row in altered])
    again = Judgement.objects.filter(touched)
    taken_in = _taken_in(again.filter(revoked_at=None))
    again.update(
        version=None,
        use=Judgement.Use.WAITING,
        weight=None,
        influence=None,
        predicted=None,
        text_features=None,
    )
    _let_go(taken_in)


def request_update(
    by: str, *, canary: bool, algorithm: str = "rloo", person: int | None = None
) -> Update:
    """Record that someone wants an update; `queue.ask_update` then starts it. With a `person`, it
    makes that person's own adapter.

    Raises:
        NothingToLearnFrom: that person gets no adapter of their own yet, and why.
        UpdateRunning: one is queued or under way already.
    """
    if person is not None and (reason := readiness.personal_refusal(person)):
        raise NothingToLearnFrom(reason)
    try:
        with transaction.atomic():
            return Update.objects.create(
                requested_by=by, canary=canary, algorithm=algorithm, person=person
            )
    except IntegrityError:
        raise UpdateRunning("An update is running; wait for its end.") from None


def due_for_update(min_events: int, max_age_h: float) -> bool:
    """Whether enough judgements wait that no update learned from, or one has waited too long.

    Each counts as much as the caps let it: one person alone cannot set updates off.
    """
    now = timezone.now()
    busy_or_broken = Q(state__in=Update.RUNNING) | Q(
        # An end in the future was written before the clock was set back: it must not block.
        state=Update.State.FAILED,
        finished_at__range=(now - PAUSE_AFTER_FAILURE, now),
    )
    if Update.objects.filter(busy_or_broken).exists():
        return False
    oldest = readiness.new_judgements().order_by("version").first()
    if oldest is None:
        return False
    has_waited = (now - oldest.created_at).total_seconds() > max_age_h * 3600
    if not has_waited and readiness.effective_events() < min_events:
        return False
    return not readiness.refusal(by_hand=False)


@transaction.atomic
def _revoke(judgements: QuerySet[Judgement]) -> None:
    lock_reward()
    standing = judgements.filter(revoked_at=None)
    taken_in = _taken_in(standing)
    standing.update(revoked_at=timezone.now())
    _let_go(taken_in)


@transaction.atomic
def _forget(answers: QuerySet[Answer]) -> None:
    lock_reward()
    doomed = Judgement.objects.filter(Q(answer__in=answers) | Q(over__in=answers))
    taken_in = _taken_in(doomed.filter(revoked_at=None))
    doomed.delete()
    answers.delete()
    _let_go(taken_in)


def _mark(number: int, by: str, values: dict[str, Any]) -> None:
    """Leave a participant out, or not any more, and say so in the ledger where that changes it."""
    lock_reward()
    who = Participant.objects.filter(number=number).first()
    if who is None:
        raise ParticipantUnknown(f"There is no participant {number}.")
    is_left_out = values["left_out_at"] is not None
    if (who.left_out_at is not None) == is_left_out:
        return
    wishes.withdraw_person(who.person)
    Participant.objects.filter(pk=who.pk).update(left_out_by=by, **values)
    said = Judgement.objects.filter(person=who.person, revoked_at=None).exclude(version=None)
    if said.exists():
        _drop_head()
    body = {"is_left_out": is_left_out, "by": by, "judgements": said.count()}
    ledger.record(ledger.Kind.LEFT_OUT, str(who), body)


def _mark_rejected(feedback: UUID, *, is_rejected: bool) -> None:
    lock_reward()
    rows = Judgement.objects.filter(feedback=feedback, rejected_at__isnull=is_rejected)
    was_taken_in = rows.filter(revoked_at=None).exclude(version=None).exists()
    if not rows.update(rejected_at=timezone.now() if is_rejected else None):
        return
    if was_taken_in:
        _drop_head()
    _write_review(feedback, {"verdict": "rejected" if is_rejected else "withdrawn"})


def _has_rewritten(answer: Rewritten) -> bool:
    """Whether learning has this answer, with other tokens than these."""
    tokens = {
        "prompt_token_ids": list(answer.prompt_token_ids),
        "response_token_ids": list(answer.response_token_ids),
    }
    others = Answer.objects.filter(pk=answer.answer).exclude(**tokens)
    return bool(others.update(**tokens, logprobs=list(answer.logprobs), features=None))


def _write_review(feedback: UUID, body: dict[str, Any]) -> None:
    ledger.record(ledger.Kind.REVIEWED, str(feedback), body)


def _taken_in(judgements: QuerySet[Judgement]) -> list[tuple[UUID, int]]:
    """Those that the head contains, with the versions that first did."""
    rows = judgements.filter(version__isnull=False).order_by("version")
    return [(row.feedback, row.version or 0) for row in rows]


def _let_go(taken_in: list[tuple[UUID, int]]) -> None:
    """Take the head away that contains them, and write down that they count no more."""
    if taken_in:
        _drop_head()
    for feedback, version in taken_in:
        ledger.record(ledger.Kind.REVOKED, str(feedback), {"version": version})


def _drop_head() -> None:
    RewardVersion.objects.exclude(head=None).update(head=None)
