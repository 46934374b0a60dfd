"""The log of judgements as rows, and as what the reward stream walks along.

Its order is that of `Judgement.version`, in which judgements were taken in; no clock has a say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from django.db.models import Max

from learning.contracts import FeedbackKind
from learning.models import Judgement, Participant, RewardVersion
from learning.reward import words
from learning.reward.model import Event, Silence
from learning.reward.stream import Entry, Refit, event_of

Use = Judgement.Use
# One in so many people, and one in so many judgements of the others, is held out.
HELD_OUT_EVERY = 10


class Logged(NamedTuple):
    row: Judgement
    use: Judgement.Use
    entry: Entry


def standing() -> list[Logged]:
    """Everything that was taken in and not taken back, in its order."""
    rows = Judgement.objects.filter(revoked_at=None).exclude(version=None)
    rows = rows.order_by("version").select_related("answer", "over")
    people = Participant.objects.in_bulk()
    return [logged(row, people.get(row.person) or participant(row.person)) for row in rows]


def logged(row: Judgement, who: Participant) -> Logged:
    event = event_of_row(row)
    use = _use(row, who, event)
    return Logged(
        row,
        use,
        Entry(
            key=str(row.feedback),
            person=row.person,
            event=event,
            version=row.version or 0,
            counts=use in (Use.LEARNED, Use.HELD_OUT),
            learns=use == Use.LEARNED,
            predicted=row.predicted,
        ),
    )


def event_of_row(row: Judgement) -> Event:
    return event_of(
        FeedbackKind(row.kind),
        np.asarray(row.answer.features),
        text=None if row.text_features is None else np.asarray(row.text_features),
        over=None if row.over is None else np.asarray(row.over.features),
        said=words.read(row.text, row.tags),
    )


def participant(person: int) -> Participant:
    """Whoever judges gets a number, the first one 1; every tenth is held out. Call it under the
    reward lock."""
    found = Participant.objects.filter(person=person).first()
    if found is not None:
        return found
    number = (Participant.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    return Participant.objects.create(
        person=person, number=number, is_held_out=number % HELD_OUT_EVERY == 0
    )


def refits() -> list[Refit]:
    """All refits, the oldest first."""
    rows = RewardVersion.objects.filter(cause=RewardVersion.Cause.REFIT).order_by("number")
    return [Refit(row.number, row.prior_sd) for row in rows if row.prior_sd is not None]


def write_down(log: Sequence[Logged]) -> None:
    """Store what a replay made of rows; the values are in the rows already."""
    Judgement.objects.bulk_update(
        [each.row for each in log], ["use", "weight", "predicted", "influence"], batch_size=500
    )


def _use(row: Judgement, who: Participant, event: Event) -> Judgement.Use:
    if isinstance(event, Silence):
        return Use.SILENT
    if who.left_out_at is not None or row.rejected_at is not None:
        return Use.LEFT_OUT
    if row.answer.is_dictated or (row.over is not None and row.over.is_dictated):
        return Use.DICTATED
    if who.is_held_out or row.feedback.int % HELD_OUT_EVERY == 0:
        return Use.HELD_OUT
    return Use.LEARNED
