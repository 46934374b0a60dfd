"""API keys of one's own: make, list, revoke. And the browsers that one is signed in at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import AfterValidator, Field, StringConstraints

from assistant.accounts import keys, sessions
from assistant.api.auth import ApiRequest, WholeAccount
from assistant.api.bodies import Body, Out
from assistant.models import ApiKey, Scope
from assistant.texts import storable

router = Router(tags=["account"], auth=WholeAccount())

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(storable),
]


class KeyOut(Out):
    """A key as it can still be seen. No scopes: as far as the owner's role reaches."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = Field(description="last use, to the minute")


class Keys(Out):
    data: list[KeyOut]


class NewKey(Body):
    name: Name
    scopes: list[Scope] = Field(default=[], max_length=len(Scope))
    expires_in_days: int | None = Field(None, ge=1, le=3650)


class MadeKey(Out):
    """`key` is shown this once."""

    key: str
    data: KeyOut


class DeviceOut(Out):
    """A browser that I am signed in at; `browser` and `system` are empty where unknown."""

    id: int
    browser: str
    system: str
    address: str
    began_at: datetime
    seen_at: datetime
    is_this: bool


class Devices(Out):
    data: list[DeviceOut]


@router.get("/keys", response=Keys, summary="My API keys")
def list_keys(request: ApiRequest) -> Keys:
    return Keys(data=[_key(key) for key in keys.living(request.auth.person)])


@router.post("/keys", response={201: MadeKey}, summary="Make an API key")
def make_key(request: ApiRequest, body: NewKey) -> Status[MadeKey]:
    days = body.expires_in_days
    key = keys.create(
        request.auth.person,
        body.scopes,
        name=body.name,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    row = ApiKey.objects.get(digest=keys.digest_of(key))
    return Status(201, MadeKey(key=key, data=_key(row)))


@router.delete("/keys/{key}", response={204: None}, summary="Revoke an API key")
def revoke_key(request: ApiRequest, key: int) -> HttpResponse:
    keys.revoke(request.auth.person, key)
    return HttpResponse(status=204)


@router.get("/sessions", response=Devices, summary="Where I am signed in")
def list_sessions(request: ApiRequest) -> Devices:
    devices = sessions.listed(request.auth.person, request.session.session_key)
    return Devices(data=[DeviceOut.model_validate(each, from_attributes=True) for each in devices])


@router.delete("/sessions", response={204: None}, summary="Sign out everywhere else")
def end_other_sessions(request: ApiRequest) -> HttpResponse:
    sessions.end_others(request.auth.person, request.session.session_key)
    return HttpResponse(status=204)


@router.delete("/sessions/{session}", response={204: None}, summary="Sign out somewhere")
def end_session(request: ApiRequest, session: int) -> HttpResponse:
    sessions.end(request.auth.person, session)
    return HttpResponse(status=204)


def _key(key: ApiKey) -> KeyOut:
    return KeyOut.model_validate(key, from_attributes=True)
