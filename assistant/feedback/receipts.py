"""What a person's feedback became: stored, waiting, taken in, trained with, live, taken back.

The website's rows say what was said, learning's what came of it; they meet here by the feedback's
id. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from assistant.errors import NotFound
from assistant.models import Feedback, User
from assistant.models.conversation import not_deleted
from inference.models import PolicyVersion
from learning import ledger, lineage
from learning.ledger import Break
from learning.lineage import Descent
from learning.models import Judgement, LedgerEntry, RewardVersion

EXCERPT = 200
# Less than this of its kind's weight is too little to call it learned from.
LEAST_WEIGHT = 0.05
STORED = "stored"
Use = Judgement.Use
State = PolicyVersion.State


@dataclass(frozen=True, slots=True)
class Learned:
    """A piece of feedback and what became of it. `question` and `answer` are excerpts."""

    feedback: Feedback
    question: str
    answer: str
    use: str
    weight: float | None
    reward_version: int | None
    descents: Sequence[Descent]
    sentence: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt, what the ledger says of it, and the chain's first break from there on."""

    receipt: Learned
    entries: list[LedgerEntry]
    broken: Break | None


def newest(person: User, *, limit: int, before: datetime | None = None) -> list[Learned]:
    """The person's feedback, newest first, from `before` on."""
    rows = _of(person)
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    rows = rows.select_related("message__conversation", "message__parent")
    return _learned(person, list(rows.order_by("-created_at", "pk")[:limit]))


def proof(person: User, feedback: UUID) -> Proof:
    """One receipt with the entries of the ledger that bear it out.

    Raises:
        NotFound: no such feedback of this person.
    """
    row = (
        _of(person)
        .filter(pk=feedback)
        .select_related("message__conversation", "message__parent")
        .first()
    )
    if row is None:
        raise NotFound("There is no such feedback.")
    (receipt,) = _learned(person, [row])
    names = [descent.version.name for descent in receipt.descents]
    entries = list(ledger.of(str(feedback), *names))
    return Proof(receipt, entries, ledger.since(entries[0].seq) if entries else None)


def _of(person: User) -> QuerySet[Feedback]:
    return Feedback.objects.filter(not_deleted("message__conversation"), person=person)


def _learned(person: User, rows: Sequence[Feedback]) -> list[Learned]:
    ids = [row.pk for row in rows]
    judgements = {each.feedback: each for each in Judgement.objects.filter(feedback__in=ids)}
    descents = lineage.descents(ids)
    is_whole = _is_whole()
    return [
        _receipt(person, row, judgements.get(row.pk), descents.get(row.pk, []), is_whole=is_whole)
        for row in rows
    ]


def _receipt(
    person: User,
    feedback: Feedback,
    judgement: Judgement | None,
    descents: Sequence[Descent],
    *,
    is_whole: bool,
) -> Learned:
    if judgement is None:
        sentence = _stored(person, feedback)
    elif feedback.revoked_at is not None:
        sentence = _taken_back(judgement, descents, is_whole=is_whole)
    else:
        sentence = _became(judgement, descents)
    message = feedback.message
    return Learned(
        feedback=feedback,
        question=message.parent.text[:EXCERPT] if message.parent else "",
        answer=message.text[:EXCERPT],
        use=judgement.use if judgement else STORED,
        weight=judgement.weight if judgement else None,
        reward_version=judgement.version if judgement else None,
        descents=descents,
        sentence=sentence,
    )


def _stored(person: User, feedback: Feedback) -> str:
    """Learning does not have it."""
    if feedback.revoked_at is not None:
        return "Taken back."
    if feedback.message.conversation.is_temporary:
        return "Said in a temporary chat, so it is only stored."
    if not person.trains:
        return "You do not allow training, so it is only stored."
    return "Said while you did not allow training, so it is only stored."


def _taken_back(judgement: Judgement, descents: Sequence[Descent], *, is_whole: bool) -> str:
    if judgement.version is None:
        return "Taken back before the reward model had taken it in."
    if not is_whole:
        return "Taken back; the reward model is forgetting it."
    return f"Taken back; the reward model has forgotten it.{_still(descents)}"


def _became(judgement: Judgement, descents: Sequence[Descent]) -> str:
    if judgement.use == Use.LEFT_OUT:
        forgotten = "Left out by a reviewer; the reward model does not count it."
        return f"{forgotten}{_still(descents)}{_own(descents)}"
    if judgement.version is None:
        return "Waits for the reward model."
    match judgement.use:
        case Use.HELD_OUT:
            kept = "Kept to check the reward model, which never learns from it."
            return f"{kept}{_own(descents)}"
        case Use.DICTATED:
            dictated = "The reward model does not count it: the question said what to answer."
            return f"{dictated}{_own(descents)}"
        case Use.SILENT:
            return "Read, but the reward model found neither praise nor blame in it."
    if judgement.weight is not None and judgement.weight < LEAST_WEIGHT:
        return f"Not taken in: you had already had your share of influence.{_own(descents)}"
    return f"Taken in as version {judgement.version}; {_trained(descents)}"


def _trained(descents: Sequence[Descent]) -> str:
    """What was trained with it, told by the version that matters most."""
    if live := next((each for each in descents if each.is_live), None):
        return f"{live.version.name} was trained with it and is live."
    if older := next((each for each in descents if each.is_in_live), None):
        return f"{older.version.name} was trained with it, and the live version from that one."
    if tried := next((each for each in descents if each.share), None):
        name, share = tried.version.name, tried.share
        return f"{name} was trained with it and is tried out with {share} % of people."
    if not descents:
        return "no update was trained with it yet."
    name, state = descents[0].version.name, descents[0].version.state
    match state:
        case State.STAGED:
            return f"{name} was trained with it and is being examined."
        case State.REJECTED:
            return f"{name} was trained with it and was refused."
        case State.RETIRED:
            return f"{name} was trained with it and was withdrawn."
    if descents[0].version.person is not None:
        return f"{name}, your own, was trained with it."
    return f"{name} was trained with it and is not live."


def _own(descents: Sequence[Descent]) -> str:
    """What counts for nobody else may count for the person's own adapter."""
    own = next((each.version for each in descents if each.version.person is not None), None)
    return f" {own.name}, your own, was trained with it." if own else ""


def _still(descents: Sequence[Descent]) -> str:
    """Weights don't forget: a version that learned from it before still has it."""
    if kept := next((each for each in descents if each.is_in_live), None):
        return f" {kept.version.name} had been trained with it before."
    return ""


def _is_whole() -> bool:
    """Whether the reward model is built, so that it holds nothing that was taken back."""
    newest = RewardVersion.objects.order_by("-number").first()
    return newest is None or newest.head is not None
