"""What reviewers look after: alarms, the most influential feedback, and whom to leave out."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from ninja import Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.errors import NotFound
from assistant.models import Scope
from assistant.texts import Text
from learning import intake, lineage, queue
from learning.models import Alarm, Judgement, Participant, RewardVersion

router = Router(tags=["review"], auth=Needs(Scope.REVIEW))

REBUILD_PATIENCE_S = 5.0


class AlarmOut(Out):
    id: UUID
    kind: str
    sentence: str
    figures: dict[str, Any]
    freezes_training: bool
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str
    note: str


class Alarms(Out):
    data: list[AlarmOut]


class Closing(Body):
    note: Text = Field("", max_length=2000, description="what was found and done")


class InfluentialItem(Out):
    """`influence` is the root mean square change of recent answers' log-odds that this one piece
    of feedback made; `participant` is a number, not a name."""

    feedback: UUID
    kind: str
    use: str
    weight: float | None
    influence: float
    participant: int
    is_left_out: bool
    at: datetime


class Influential(Out):
    data: list[InfluentialItem]


class Reason(Body):
    because: Text = Field("", max_length=2000)


class LeftOut(Out):
    """`version` is the first reward-model version built without (or again with) them; null while
    it is being built. `policies` learned from them and keep what they learned: going back to an
    older one, or a new update, leaves it behind."""

    participant: int
    is_left_out: bool
    version: int | None
    policies: list[str]


@router.get("/learning/alarms", response=Alarms, summary="List alarms")
def alarms(request: ApiRequest, limit: Annotated[int, Field(ge=1, le=200)] = 50) -> Alarms:
    """Open ones first, then the newest."""
    rows = Alarm.objects.order_by("closed_at", "-opened_at")
    unclosed = list(rows.filter(closed_at=None)[:limit])
    closed = rows.exclude(closed_at=None).order_by("-opened_at")[: limit - len(unclosed)]
    return Alarms(data=[_alarm_out(row) for row in [*unclosed, *closed]])


@router.post("/learning/alarms/{uuid:pk}/close", response=AlarmOut, summary="Close an alarm")
def close(request: ApiRequest, pk: UUID, body: Closing) -> AlarmOut:
    """Training that it froze goes on. Closing it twice changes nothing: the first note stays."""
    Alarm.objects.filter(pk=pk, closed_at=None).update(
        closed_at=timezone.now(), closed_by=request.auth.person.username, note=body.note
    )
    row = Alarm.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such alarm.")
    return _alarm_out(row)


@router.get(
    "/learning/influential", response=Influential, summary="What moved the reward model most"
)
def influential(
    request: ApiRequest, limit: Annotated[int, Field(ge=1, le=200)] = 20
) -> Influential:
    rows = Judgement.objects.filter(revoked_at=None, influence__isnull=False)
    rows = rows.order_by("-influence", "pk")[:limit]
    people = Participant.objects.in_bulk({row.person for row in rows})
    return Influential(
        data=[
            InfluentialItem(
                feedback=row.feedback,
                kind=row.kind,
                use=row.use,
                weight=row.weight,
                influence=row.influence or 0.0,
                participant=people[row.person].number,
                is_left_out=people[row.person].left_out_at is not None,
                at=row.created_at,
            )
            for row in rows
            if row.person in people
        ]
    )


@router.post(
    "/learning/participants/{int:number}/leave-out", response=LeftOut, summary="Leave someone out"
)
def leave_out(request: ApiRequest, number: int, body: Reason) -> LeftOut:
    """The reward model forgets all that this participant said, and no later update learns from
    it. It can be taken back."""
    before = _newest_version()
    with transaction.atomic():
        intake.leave_out(number, by=request.auth.person.username, because=body.because)
        transaction.on_commit(queue.ask_catch_up, robust=True)
    return _left_out(number, before)


@router.post(
    "/learning/participants/{int:number}/take-back",
    response=LeftOut,
    summary="Take someone in again",
)
def take_back(request: ApiRequest, number: int) -> LeftOut:
    before = _newest_version()
    with transaction.atomic():
        intake.take_back(number, by=request.auth.person.username)
        transaction.on_commit(queue.ask_catch_up, robust=True)
    return _left_out(number, before)


def _left_out(number: int, before: int) -> LeftOut:
    participant = Participant.objects.get(number=number)
    return LeftOut(
        participant=number,
        is_left_out=participant.left_out_at is not None,
        version=_rebuilt(before),
        policies=lineage.trained_on_participant(participant.person),
    )


def _newest_version() -> int:
    newest = RewardVersion.objects.order_by("-number").first()
    return newest.number if newest else 0


def _rebuilt(before: int) -> int | None:
    """The version that is whole again, waited for a little. Where nothing of theirs was in the
    model, that is the one from before."""
    until = time.monotonic() + REBUILD_PATIENCE_S
    while True:
        newest = RewardVersion.objects.order_by("-number").first()
        if newest is None:
            return before
        if newest.head is not None:
            return newest.number
        if time.monotonic() > until:
            return None
        time.sleep(0.05)


def _alarm_out(alarm: Alarm) -> AlarmOut:
    return AlarmOut(
        id=alarm.pk,
        kind=alarm.kind,
        sentence=alarm.sentence,
        figures=alarm.figures,
        freezes_training=alarm.freezes_training,
        opened_at=alarm.opened_at,
        closed_at=alarm.closed_at,
        closed_by=alarm.closed_by,
        note=alarm.note,
    )
