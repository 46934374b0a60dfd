"""Making review items, and keeping them in step with what they were made of.

An item is written in the transaction that writes the feedback down, so there is one as soon as
there is the other. What takes longer (meaning, marks, contradictions) is `describing`'s, later.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from assistant.models import Feedback, Generation, Message, ReviewItem, User
from assistant.review import redaction
from assistant.trajectories.pseudonyms import pseudonym
from learning.contracts import FeedbackKind
from learning.reward import words

# A text search takes a megabyte of words at most, and what a text is about stands at its start.
SEARCHED_CHARACTERS = 20_000
DESCRIBE = "assistant.describe_reviews"


def make(feedback: Feedback) -> None:
    """Put feedback into the queue, once. Call it in the transaction that gives it to learning."""
    if not _is_looked_at(feedback):
        return
    _, is_new = ReviewItem.objects.get_or_create(feedback=feedback, defaults=_fields(feedback))
    if is_new:
        transaction.on_commit(_ask_to_describe, robust=True)


def remove(feedback: UUID) -> None:
    """Take feedback out of the queue, with everything that was made of it there."""
    ReviewItem.objects.filter(feedback=feedback).delete()


def forget_person(person: User) -> None:
    """Take all that this person said out of the queue."""
    ReviewItem.objects.filter(person=person).delete()


def retell(conversation: UUID) -> None:
    """Write the items of a conversation anew, after something in it was redacted or shown again.

    Who holds one that changes loses it: what they marked are places in the text as it was.
    """
    undescribed = {"pii": [], "has_pii": False, "described_at": None}
    free = {"holder": None, "token": None, "lease_until": None}
    rows = ReviewItem.objects.filter(conversation=conversation).select_related("feedback")
    for item in rows:
        told = _snapshot(item.feedback)
        if any(getattr(item, name) != value for name, value in told.items()):
            ReviewItem.objects.filter(pk=item.pk).update(**told, **undescribed, **free)
    transaction.on_commit(_ask_to_describe, robust=True)


def polarity_of(kind: str, text: str, tags: list[str]) -> int:
    """1 where the answer is liked, -1 where it is not, 0 where nobody can tell."""
    match kind:
        case FeedbackKind.UP | FeedbackKind.PREFERENCE:
            return 1
        case FeedbackKind.DOWN | FeedbackKind.CORRECTION:
            return -1
    reading = words.read(text, tags)
    return 0 if not reading.confidence else 1 if reading.is_praise else -1


def _is_looked_at(feedback: Feedback) -> bool:
    """Bare thumbs up say little and are many: a share of them is enough."""
    if feedback.kind != FeedbackKind.UP or feedback.text.strip() or feedback.tags:
        return True
    return feedback.pk.int % 100 < settings.REVIEW_THUMBS_UP


def _fields(feedback: Feedback) -> dict[str, Any]:
    return {
        **_snapshot(feedback),
        "person_id": feedback.person_id,
        "pseudonym": pseudonym("person", feedback.person_id),
        "conversation_id": feedback.message.conversation_id,
        "kind": feedback.kind,
        "tags": feedback.tags,
        "policy": feedback.message.generation.policy,
        "polarity": polarity_of(feedback.kind, feedback.text, feedback.tags),
        # A share that nobody can steer, and the same at every look.
        "needs_second": feedback.pk.int // 100 % 100 < settings.REVIEW_TWICE,
        "created_at": feedback.created_at,
    }


def _snapshot(feedback: Feedback) -> dict[str, Any]:
    """The texts, without what was redacted in them."""
    hidden = redaction.words_of(feedback.message.conversation_id)

    def shown(text: str) -> str:
        return redaction.hidden(text, hidden)

    path = [{"role": said["role"], "text": shown(said["text"])} for said in _path(feedback.message)]
    answer, said = shown(feedback.message.text), shown(feedback.text)
    over = shown(feedback.over.text) if feedback.over else ""
    asked = path[-1]["text"] if path else ""
    return {
        "path": path,
        "answer": answer,
        "over": over,
        "said": said,
        "words": "\n".join(filter(None, [asked, answer, said]))[:SEARCHED_CHARACTERS],
    }


def _path(answer: Message) -> list[dict[str, str]]:
    """What was said before an answer, oldest first: on its branch, or in its own request."""
    generation: Generation = answer.generation
    if generation.chat is not None:
        return [{"role": said["role"], "text": _plain(said["content"])} for said in generation.chat]
    rows = Message.objects.filter(conversation=answer.conversation_id)
    known = {row.pk: row for row in rows.only("parent", "role", "parts")}
    path: list[dict[str, str]] = []
    at = known.get(answer.parent_id) if answer.parent_id else None
    while at is not None:
        path.append({"role": at.role, "text": at.text})
        at = known.get(at.parent_id) if at.parent_id else None
    return path[::-1]


def _plain(content: Any) -> str:
    """A message's content is its text, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or [] if part.get("type") == "text")


def _ask_to_describe() -> None:
    from celery import current_app

    current_app.send_task(DESCRIBE)
