"""The rules of feedback: who may say what about which answer, and what a second word changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.errors import (
    AnswerNotFinished,
    FeedbackInvalid,
    IdentifierTaken,
    MessageOversize,
    NotFound,
    NotServed,
)
from assistant.feedback import experiences
from assistant.feedback.experiences import THUMBS
from assistant.models import Feedback, Generation, Message, Trajectory, User
from assistant.models.conversation import not_deleted, owned_by
from assistant.review import items
from learning import canary, intake, queue
from learning.contracts import FeedbackKind

NEEDS_TEXT = (FeedbackKind.CORRECTION, FeedbackKind.COMMENT)
SERVED = (Generation.Status.DONE, Generation.Status.STOPPED)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person says: see `POST /v1/feedback`."""

    message: UUID
    kind: FeedbackKind
    text: str = ""
    over: UUID | None = None
    tags: Sequence[str] = ()

    def is_that_of(self, feedback: Feedback) -> bool:
        return (
            feedback.message_id == self.message
            and feedback.kind == self.kind
            and feedback.text == self.text
            and feedback.over_id == self.over
            and feedback.tags == list(self.tags)
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """`is_learned` is false where the person did not agree to training."""

    feedback: Feedback
    is_learned: bool


@transaction.atomic
def rate(person: User, opinion: Opinion, *, key: str = "") -> Receipt:
    """Write feedback down and hand it over to learning, both or neither.

    Saying the same again, or sending the same idempotency `key` again, changes nothing. A thumb
    takes the place of the other one, a correction of the earlier one, a preference of its reverse.

    Raises:
        FeedbackInvalid: kind, text and `over` do not fit together.
        MessageOversize: too long a text.
        NotServed: not an answer (or sibling) that was served to this person.
        AnswerNotFinished: it is still being made.
        IdentifierTaken: the key was used for other feedback.
    """
    _check(opinion)
    _one_at_a_time(person)
    if key and (before := Feedback.objects.filter(person=person, idempotency_key=key).first()):
        return _repeated(before, opinion)
    answer = _served(person, opinion.message)
    if opinion.over is not None:
        _check_siblings(answer, _served(person, opinion.over))
    standing = Feedback.objects.filter(person=person, revoked_at=None)
    if same := next(filter(opinion.is_that_of, standing.filter(message=opinion.message)), None):
        return Receipt(same, is_learned=_judge(same))
    for replaced in _replaced(standing, opinion):
        _revoke(replaced)
    feedback = _write(person, opinion, key)
    return Receipt(feedback, is_learned=_judge(feedback))


@transaction.atomic
def take_back(person: User, feedback: UUID) -> None:
    """Take feedback back; doing it again changes nothing.

    Raises:
        NotFound: no such feedback of this person.
    """
    _one_at_a_time(person)
    mine = Feedback.objects.filter(not_deleted("message__conversation"), person=person)
    row = mine.filter(pk=feedback).first()
    if row is None:
        raise NotFound("There is no such feedback.")
    if row.revoked_at is None:
        _revoke(row)
        transaction.on_commit(queue.ask_catch_up, robust=True)


def note_version(feedback: UUID, version: int) -> None:
    """Keep the reward-model version that first contained this feedback."""
    Feedback.objects.filter(pk=feedback).update(reward_version=version)


def _check(opinion: Opinion) -> None:
    if opinion.kind in NEEDS_TEXT and not opinion.text.strip():
        raise FeedbackInvalid(f"text: a {opinion.kind} has to say something.")
    if (opinion.kind == FeedbackKind.PREFERENCE) != (opinion.over is not None):
        raise FeedbackInvalid("over: needed for a preference, and only there.")
    if opinion.over == opinion.message:
        raise FeedbackInvalid("over: an answer can't be preferred to itself.")
    size = len(opinion.text.encode())
    if size > settings.MESSAGE_BYTES:
        raise MessageOversize(
            f"text: {size:,} bytes; at most {settings.MESSAGE_BYTES:,} are taken."
        )


def _one_at_a_time(person: User) -> None:
    """Have other opinions, and changes of consent, of this person wait for this transaction."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _repeated(before: Feedback, opinion: Opinion) -> Receipt:
    if not opinion.is_that_of(before):
        raise IdentifierTaken("The Idempotency-Key was used for other feedback.")
    if before.revoked_at is not None:
        return Receipt(before, is_learned=False)
    return Receipt(before, is_learned=_judge(before))


def _judge(feedback: Feedback) -> bool:
    """Give it to learning, and what learning has to the reviewers too."""
    is_learned = experiences.judge(feedback)
    if is_learned:
        items.make(feedback)
    return is_learned


def _served(person: User, message: UUID) -> Message:
    answer = (
        Message.objects.select_related("generation")
        .filter(owned_by(person), pk=message, role=Message.Author.ASSISTANT)
        .first()
    )
    if answer is None:
        raise NotServed(f"No answer {message} was served to you.")
    if answer.generation.is_open:
        raise AnswerNotFinished("The answer is still being made; wait for it or stop it.")
    has_log = Trajectory.objects.filter(pk=message).exists()
    if answer.generation.status not in SERVED or not has_log:
        raise NotServed(
            f"The answer {message} was not finished, or is a copy, so there is nothing to judge."
        )
    return answer


def _check_siblings(chosen: Message, rejected: Message) -> None:
    """Two answers to one message, or to the same text in two requests that brought it along."""
    if chosen.parent_id == rejected.parent_id:
        return
    prompts = Trajectory.objects.filter(pk__in=(chosen.pk, rejected.pk))
    if prompts.values("prompt_token_ids").distinct().count() != 1:
        raise FeedbackInvalid("over: not an answer to the same message.")


def _replaced(standing: QuerySet[Feedback], opinion: Opinion) -> QuerySet[Feedback]:
    match opinion.kind:
        case FeedbackKind.UP | FeedbackKind.DOWN:
            which = Q(message=opinion.message, kind__in=THUMBS)
        case FeedbackKind.CORRECTION:
            which = Q(message=opinion.message, kind=opinion.kind)
        case FeedbackKind.PREFERENCE:
            pair = {opinion.message, opinion.over}
            which = Q(message__in=pair, over__in=pair, kind=opinion.kind)
        case FeedbackKind.COMMENT:
            which = Q(pk__in=[])
    return standing.filter(which)


def _revoke(feedback: Feedback) -> None:
    feedback.revoked_at = timezone.now()
    feedback.save(update_fields=["revoked_at"])
    intake.revoke(feedback.pk)
    items.remove(feedback.pk)
    if feedback.kind in THUMBS:
        canary.note_thumb(feedback.message_id, None)


def _write(person: User, opinion: Opinion, key: str) -> Feedback:
    return Feedback.objects.create(
        person=person,
        message_id=opinion.message,
        kind=opinion.kind,
        text=opinion.text,
        over_id=opinion.over,
        tags=list(opinion.tags),
        idempotency_key=key,
    )
