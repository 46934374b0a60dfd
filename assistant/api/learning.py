"""Watching and driving learning: rewards, updates, policy versions and going back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from ninja import Router, Status
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.chat_request import ChatMessageIn
from assistant.errors import NotFound
from assistant.models import Scope, User
from assistant.texts import Text
from inference import registry
from inference.client import EngineClient
from inference.contracts import Policy
from inference.models import PolicyVersion
from learning import intake, queue
from learning.contracts import RewardEstimate
from learning.models import Update

router = Router(tags=["learning"])

ESTIMATE_PATIENCE_S = 30.0


class RewardQuestion(Body):
    """An answer, and the messages that it answers."""

    messages: list[ChatMessageIn] = Field(min_length=1)
    response: Text


class Reward(Out):
    """The log-odds that people like the answer, its deviation, and the judgements behind it."""

    mean: float
    sd: float
    version: int


class UpdateIn(Body):
    canary: bool = False


class UpdateOut(Out):
    id: UUID
    state: str
    reason: str
    requested_by: str
    canary: bool
    policy: str
    parent: str
    reward_version: int | None
    metrics: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    judgements: int
    created_at: datetime
    finished_at: datetime | None


class Updates(Out):
    data: list[UpdateOut]


class PolicyOut(Out):
    name: str
    number: int
    digest: str
    state: str
    parent: str | None
    created_at: datetime
    live: bool


class Policies(Out):
    live: str
    data: list[PolicyOut]


@router.post(
    "/rewards", response=Reward, auth=Needs(Scope.LEARNING), summary="What is an answer worth?"
)
async def estimate(request: ApiRequest, body: RewardQuestion) -> Reward:
    found: RewardEstimate = await database_sync_to_async(queue.estimate)(
        [message.as_chat for message in body.messages], body.response, ESTIMATE_PATIENCE_S
    )
    return Reward(mean=found.mean, sd=found.sd, version=found.version)


@router.post(
    "/updates", response={202: UpdateOut}, auth=Needs(Scope.LEARNING), summary="Start an update"
)
def start(request: ApiRequest, body: UpdateIn | None = None) -> Any:
    """Starts now, however little there is to learn from; 409 while another one runs."""
    with transaction.atomic():
        update = intake.request_update(
            by=request.auth.person.username, canary=body.canary if body else False
        )
        transaction.on_commit(lambda: queue.ask_update(update.pk), robust=True)
    return Status(202, _update_out(update, judgements=0))


@router.get("/updates", response=Updates, auth=Needs(), summary="List updates")
def updates(request: ApiRequest, limit: Annotated[int, Field(ge=1, le=200)] = 50) -> Updates:
    """The latest first."""
    rows = Update.objects.annotate(judgements=Count("used"))[:limit]
    return Updates(data=[_update_out(row, row.judgements) for row in rows])


@router.get("/updates/{uuid:pk}", response=UpdateOut, auth=Needs(), summary="One update")
def show_update(request: ApiRequest, pk: UUID) -> UpdateOut:
    row = Update.objects.annotate(judgements=Count("used")).filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such update.")
    return _update_out(row, row.judgements)


@router.get("/policies", response=Policies, auth=Needs(), summary="List policy versions")
def policies(request: ApiRequest) -> Policies:
    live = registry.live()
    data = [_policy_out(version, live) for version in registry.versions()]
    return Policies(live=live.name, data=data)


@router.post(
    "/policies/{name}/activate",
    response=PolicyOut,
    auth=Needs(Scope.LEARNING),
    summary="Make a version live",
)
async def activate(request: ApiRequest, name: Text) -> PolicyOut:
    """The way back, too: neither the trainer nor Celery is needed.

    The engines load the adapter before anyone is sent to it; if one can't, nothing changes.
    """
    policy = await database_sync_to_async(_servable)(name)
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        await client.load(policy)
    live: PolicyOut = await database_sync_to_async(_activate)(policy.name, request.auth.person)
    return live


def _servable(name: str) -> Policy:
    return registry.as_policy(registry.resolve(name))


def _activate(name: str, by: User) -> PolicyOut:
    live = registry.activate(name, by.username)
    return _policy_out(live, live)


def _update_out(update: Update, judgements: int) -> UpdateOut:
    return UpdateOut(
        id=update.pk,
        state=update.state,
        reason=update.reason,
        requested_by=update.requested_by,
        canary=update.canary,
        policy=update.policy,
        parent=update.parent,
        reward_version=update.reward_version,
        metrics=update.metrics,
        gates=update.gates,
        judgements=judgements,
        created_at=update.created_at,
        finished_at=update.finished_at,
    )


def _policy_out(version: PolicyVersion, live: PolicyVersion) -> PolicyOut:
    return PolicyOut(
        name=version.name,
        number=version.number,
        digest=version.digest,
        state=version.state,
        parent=version.parent.name if version.parent else None,
        created_at=version.created_at,
        live=version.pk == live.pk,
    )
