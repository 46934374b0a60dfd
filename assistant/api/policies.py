"""Policy versions: which there are, what each was made of, and making one live."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from ninja import Router

from assistant.accounts.keys import Caller
from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.api.ledger import EntryOut, entry_out
from assistant.api.updates import UpdateOut, update_out
from assistant.models import Scope, User
from assistant.texts import Text
from inference import registry
from inference.client import EngineClient
from inference.contracts import BASE_NAME, Policy
from inference.errors import UnknownPolicy
from inference.models import PolicyVersion
from learning import lineage, policies

router = Router(tags=["learning"])


class PolicyOut(Out):
    name: str
    number: int
    digest: str
    state: str
    parent: str | None
    created_at: datetime
    live: bool
    is_personal: bool


class Policies(Out):
    live: str
    data: list[PolicyOut]


class LineageItem(Out):
    feedback: UUID
    kind: str
    at: datetime
    is_mine: bool


class PolicyLineage(PolicyOut):
    """A version and what it was made of.

    `trained_on` is the number of judgements that the ledger has; of these, `gone` were deleted
    since, `taken_back` taken back and `left_out` said by somebody whom a reviewer left out since.
    `digest_holds` says whether the ids of the judgements give the digest that the ledger has: null
    where there is none, or where some are gone. `judgements` are the caller's own; with the scope
    `learning`, everybody's.
    """

    update: UpdateOut | None
    manifest: dict[str, Any]
    reward_version: int | None
    trained_on: int
    gone: int
    taken_back: int
    left_out: int
    judgements: list[LineageItem]
    digest_holds: bool | None
    entries: list[EntryOut]


@router.get("/policies", response=Policies, auth=Needs(), summary="List policy versions")
def index(request: ApiRequest) -> Policies:
    """Newest first; of the personal ones, one's own."""
    live = registry.live()
    shown = [version for version in registry.versions() if may_see(request.auth, version)]
    return Policies(live=live.name, data=[PolicyOut(**_facts(each, live)) for each in shown])


@router.get("/policies/{name}", response=PolicyLineage, auth=Needs(), summary="One policy version")
def show(request: ApiRequest, name: Text) -> PolicyLineage:
    """What it was made of: the update, the reward model's version, each piece of feedback, and
    what the ledger says of it."""
    version = registry.base() if name == BASE_NAME else registry.named(name)
    if not may_see(request.auth, version):
        raise UnknownPolicy(f"There is no model {name!r}.")
    found = lineage.of(version)
    mine = request.auth.person.pk
    sees_all = Scope.LEARNING in request.auth.scopes
    return PolicyLineage(
        **_facts(version, registry.live()),
        update=update_out(found.update, len(found.judgements)) if found.update else None,
        manifest=version.manifest,
        reward_version=found.update.reward_version if found.update else None,
        trained_on=found.trained_on,
        gone=found.gone,
        taken_back=found.taken_back,
        left_out=found.left_out,
        judgements=[
            LineageItem(
                feedback=each.feedback,
                kind=each.kind,
                at=each.created_at,
                is_mine=each.person == mine,
            )
            for each in found.judgements
            if sees_all or each.person == mine
        ],
        digest_holds=found.digest_holds,
        entries=[entry_out(entry) for entry in found.entries],
    )


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


def may_see(caller: Caller, version: PolicyVersion) -> bool:
    """Somebody else's own adapter is shown only to those who drive learning."""
    return version.person in (None, caller.person.pk) or Scope.LEARNING in caller.scopes


def _servable(name: str) -> Policy:
    return registry.as_policy(registry.resolve(name))


def _activate(name: str, by: User) -> PolicyOut:
    live = policies.activate(name, by.username)
    return PolicyOut(**_facts(live, live))


def _facts(version: PolicyVersion, live: PolicyVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "number": version.number,
        "digest": version.digest,
        "state": version.state,
        "parent": version.parent.name if version.parent else None,
        "created_at": version.created_at,
        "live": version.pk == live.pk,
        "is_personal": version.person is not None,
    }
