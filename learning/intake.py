"""The door through which answers and judgements come into learning, and leave it again.

Everything here runs synchronously inside the caller's transaction and touches learning's own
rows only; `learning.queue` then asks for the work. Calling anything twice is the same as calling
it once.

Whatever takes a judgement out of the log also takes the reward head away, in the same
transaction, since the head contains it; the reward worker then builds the head anew.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from learning import contracts
from learning.contracts import FeedbackKind, ServedAnswer
from learning.errors import AnswerUnknown, UpdateRunning
from learning.models import Answer, Judgement, RewardVersion, Update

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
        },
    )


def revoke(feedback: UUID) -> None:
    """Take a judgement back; the reward head forgets it."""
    _revoke(Judgement.objects.filter(feedback=feedback))


def forget_answer(answer: UUID) -> None:
    """Delete an answer with its features and judgements; the reward head forgets them."""
    _forget(Answer.objects.filter(pk=answer))


def forget_person(person: int) -> None:
    """Delete all that came from a person; the reward head forgets it."""
    _forget(Answer.objects.filter(person=person))


def request_update(
    by: str, *, canary: bool, algorithm: str = "rloo", person: int | None = None
) -> Update:
    """Record that someone wants an update; `queue.ask_update` then starts it. With a `person`, it
    makes that person's own adapter.

    Raises:
        UpdateRunning: one is queued or under way already.
    """
    try:
        with transaction.atomic():
            return Update.objects.create(
                requested_by=by, canary=canary, algorithm=algorithm, person=person
            )
    except IntegrityError:
        raise UpdateRunning("An update is running; wait for its end.") from None


def due_for_update(min_events: int, max_age_h: float) -> bool:
    """Whether enough judgements wait that no update learned from, or one has waited too long."""
    now = timezone.now()
    busy_or_broken = Q(state__in=Update.RUNNING) | Q(
        state=Update.State.FAILED, finished_at__gt=now - PAUSE_AFTER_FAILURE
    )
    if Update.objects.filter(busy_or_broken).exists():
        return False
    unused = Judgement.objects.filter(revoked_at=None).exclude(kind=FeedbackKind.COMMENT)
    unused = unused.exclude(used_in__update__in=Update.objects.exclude(state=Update.State.FAILED))
    oldest = unused.order_by("created_at").first()
    if oldest is None:
        return False
    return (
        unused.count() >= min_events or (now - oldest.created_at).total_seconds() > max_age_h * 3600
    )


@transaction.atomic
def _revoke(judgements: QuerySet[Judgement]) -> None:
    lock_reward()
    standing = judgements.filter(revoked_at=None)
    taken_in = standing.exclude(version=None).exists()
    standing.update(revoked_at=timezone.now())
    if taken_in:
        _drop_head()


@transaction.atomic
def _forget(answers: QuerySet[Answer]) -> None:
    lock_reward()
    doomed = Judgement.objects.filter(Q(answer__in=answers) | Q(over__in=answers))
    taken_in = doomed.exclude(version=None).exists()
    doomed.delete()
    answers.delete()
    if taken_in:
        _drop_head()


def _drop_head() -> None:
    RewardVersion.objects.exclude(head=None).update(head=None)
