"""Updates: starting one, watching it, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from ninja import Router, Status
from pydantic import Field

from assistant.accounts.keys import Caller
from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.errors import RequestInvalid
from assistant.errors import NotFound
from assistant.models import Scope, User
from learning import intake, queue
from learning.errors import NothingToLearnFrom
from learning.models import Trial, Update

router = Router(tags=["learning"])


class UpdateIn(Body):
    """`rloo` learns from sampled answers and what the reward model thinks of them, `kto` straight
    from the judged ones. `personal` makes an adapter that answers the caller alone, from what the
    caller said alone. `canary` has a share of people try it before it answers everyone."""

    canary: bool = False
    algorithm: Literal["rloo", "kto"] = "rloo"
    personal: bool = False


class TrialOut(Out):
    """A canary: `share` per cent of people are answered by the update's policy, the others by
    `against`; `figures` hold the sequential test's evidence so far."""

    state: str
    against: str
    share: int
    reason: str
    figures: dict[str, Any]
    started_at: datetime
    share_since: datetime
    ended_at: datetime | None


class UpdateOut(Out):
    id: UUID
    state: str
    reason: str
    requested_by: str
    canary: bool
    algorithm: str
    is_personal: bool
    policy: str
    parent: str
    reward_version: int | None
    metrics: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    judgements: int
    trial: TrialOut | None
    created_at: datetime
    finished_at: datetime | None


class Updates(Out):
    data: list[UpdateOut]


@router.post(
    "/updates",
    response={202: UpdateOut},
    auth=Needs(Scope.LEARNING, Scope.FEEDBACK),
    summary="Start an update",
)
def start(request: ApiRequest, body: UpdateIn | None = None) -> Any:
    """Starts now, however little there is to learn from; 409 while another one runs, or where a
    personal one has too little to learn from. One for everybody needs the scope `learning`."""
    wanted = body or UpdateIn()
    if not wanted.personal:
        request.auth.needs(Scope.LEARNING)
    elif wanted.canary:
        message = "canary: a personal update answers nobody else, so nobody else can try it."
        raise RequestInvalid(message, param="canary")
    return Status(202, update_out(_request(request.auth.person, wanted), judgements=0))


@router.get("/updates", response=Updates, auth=Needs(), summary="List updates")
def updates(request: ApiRequest, limit: Annotated[int, Field(ge=1, le=200)] = 50) -> Updates:
    """The latest first; of the personal ones, one's own."""
    rows = shown_to(request.auth)[:limit]
    return Updates(data=[update_out(row, row.judgements) for row in rows])


@router.get("/updates/{uuid:pk}", response=UpdateOut, auth=Needs(), summary="One update")
def show_update(request: ApiRequest, pk: UUID) -> UpdateOut:
    row = shown_to(request.auth).filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such update.")
    return update_out(row, row.judgements)


@transaction.atomic
def _request(person: User, wanted: UpdateIn) -> Update:
    if wanted.personal and not person.trains:
        raise NothingToLearnFrom("You do not allow training, so nothing is learned for you.")
    update = intake.request_update(
        by=person.username,
        canary=wanted.canary,
        algorithm=wanted.algorithm,
        person=person.pk if wanted.personal else None,
    )
    transaction.on_commit(lambda: queue.ask_update(update.pk), robust=True)
    return update


def shown_to(caller: Caller) -> QuerySet[Update, Any]:
    """Everybody's updates and the caller's own; whoever drives learning sees them all."""
    rows = Update.objects.select_related("trial").annotate(judgements=Count("used"))
    if Scope.LEARNING in caller.scopes:
        return rows
    return rows.filter(Q(person=None) | Q(person=caller.person.pk))


def update_out(update: Update, judgements: int) -> UpdateOut:
    trial: Trial | None = getattr(update, "trial", None)
    return UpdateOut(
        id=update.pk,
        state=update.state,
        reason=update.reason,
        requested_by=update.requested_by,
        canary=update.canary,
        algorithm=update.algorithm,
        is_personal=update.person is not None,
        policy=update.policy,
        parent=update.parent,
        reward_version=update.reward_version,
        metrics=update.metrics,
        gates=update.gates,
        judgements=judgements,
        trial=_trial_out(trial) if trial else None,
        created_at=update.created_at,
        finished_at=update.finished_at,
    )


def _trial_out(trial: Trial) -> TrialOut:
    return TrialOut(
        state=trial.state,
        against=trial.against,
        share=trial.share,
        reason=trial.reason,
        figures=trial.figures,
        started_at=trial.started_at,
        share_since=trial.share_since,
        ended_at=trial.ended_at,
    )
