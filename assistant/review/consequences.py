"""What comes of a decision in learning and in the export, and how it is taken back."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from assistant.memory import traces
from assistant.models import Decision, Message, Redaction, ReviewItem, Window
from assistant.review import items, redaction
from learning import intake, queue

State = ReviewItem.State


def follow(item: ReviewItem, decisions: Sequence[Decision]) -> None:
    """Do what the decisions, which agree, make of an item; the first one's correction counts."""
    reviewers = len({each.by_id for each in decisions})
    match item.state:
        case State.ACCEPTED:
            intake.accept(item.feedback_id, reviewers=reviewers)
        case State.CORRECTED:
            hidden = redaction.words_of(item.conversation_id)
            text = redaction.hidden(decisions[0].text, hidden)
            intake.accept(item.feedback_id, text=text, reviewers=reviewers)
        case State.REJECTED:
            intake.reject(item.feedback_id)
            transaction.on_commit(queue.ask_catch_up, robust=True)
        case State.REDACTED:
            _redact(item, decisions, is_undone=False)


def withdraw(item: ReviewItem) -> None:
    """Undo `follow`."""
    if item.state == State.REDACTED:
        _redact(item, list(item.decisions.all()), is_undone=True)
        return
    intake.withdraw_review(item.feedback_id)
    if item.state == State.REJECTED:
        transaction.on_commit(queue.ask_catch_up, robust=True)


def _redact(item: ReviewItem, decisions: Sequence[Decision], *, is_undone: bool) -> None:
    for row in Redaction.objects.filter(decision__in=decisions).exclude(is_undone=is_undone):
        row.is_undone = is_undone
        row.save(update_fields=["is_undone", "changed_at"])
    redaction.pass_on(item.conversation_id)
    if not is_undone:
        _redact_where_notes_went(item)
    items.retell(item.conversation_id)
    intake.note_redaction(item.feedback_id, is_undone=is_undone)


def _redact_where_notes_went(item: ReviewItem) -> None:
    """In other conversations of the person, whose answers read notes of what was said in this one.
    There it stays hidden when the decision is undone: more than one may have been made of it."""
    words = redaction.words_of(item.conversation_id)
    said = Message.with_deleted.filter(conversation=item.conversation_id).values_list(
        "pk", flat=True
    )
    holding = traces.holding(item.person_id, list(said))
    for row in Window.objects.filter(pk__in=holding).select_related("message"):
        where = row.message.conversation_id
        if redaction.hide_in(where, row.shown["notes"], words):
            redaction.pass_on(where)
            items.retell(where)
