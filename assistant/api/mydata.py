"""What is mine: one conversation as a file, everything as a zip, and deleting all of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from django.contrib.auth import logout
from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from assistant import files
from assistant.accounts import passwords
from assistant.api.auth import ApiRequest, Needs, WholeAccount
from assistant.api.bodies import Body, Out
from assistant.errors import NotFound
from assistant.models import Conversation, Export, Scope
from assistant.mydata import archive, erasure, exports, writing
from assistant.rates import Kind
from assistant.texts import Text

router = Router(tags=["my data"])

TYPES = {"markdown": ("md", "text/markdown"), "json": ("json", "application/json")}


class ExportOut(Out):
    """`done` of `total` conversations are written. It can be had until `expires_at`."""

    id: UUID
    state: Literal["queued", "building", "ready", "failed"]
    done: int
    total: int
    bytes: int
    created_at: datetime
    expires_at: datetime | None


class Exports(Out):
    data: list[ExportOut]


class Erasing(Body):
    """`name` is one's own, typed as a confirmation; the password of those who have one."""

    what: Literal["conversations", "account"]
    name: Text = Field(max_length=150)
    password: Text = Field("", max_length=1000)


class ErasureOut(Out):
    what: Literal["conversations", "account"]
    left: int = Field(description="conversations that are still there; they go within minutes")


@router.get(
    "/conversations/{uuid:pk}/export",
    response={200: None},
    auth=Needs(Scope.CHAT, rate=Kind.EXPORTS),
    summary="A conversation as a file",
)
def conversation(
    request: ApiRequest, pk: UUID, format: Literal["markdown", "json"] = "markdown"
) -> HttpResponse:
    """All of its branches; a temporary chat has no file."""
    found = Conversation.objects.filter(
        pk=pk, owner=request.auth.person, is_temporary=False
    ).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    messages = archive.messages_of(found)
    ending, media_type = TYPES[format]
    content = (
        writing.as_markdown(found, messages)
        if format == "markdown"
        else json.dumps(writing.as_json(found, messages), ensure_ascii=False, indent=2)
    )
    response = HttpResponse(content, content_type=f"{media_type}; charset=utf-8")
    name = quote(f"{found.title or 'conversation'}.{ending}", safe="")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response["Cache-Control"] = "private, no-store"
    return response


@router.post(
    "/exports",
    response=ExportOut,
    auth=WholeAccount(rate=Kind.EXPORTS),
    summary="Have a copy of everything made",
)
def ask(request: ApiRequest) -> ExportOut:
    """A zip; while one is being made, it is that one."""
    return _export_out(exports.ask(request.auth.person))


@router.get("/exports", response=Exports, auth=WholeAccount(), summary="Copies of everything")
def index(request: ApiRequest) -> Exports:
    rows = Export.objects.filter(owner=request.auth.person)
    return Exports(data=[_export_out(row) for row in rows])


@router.get(
    "/exports/{uuid:pk}/download",
    response={200: None},
    auth=WholeAccount(),
    summary="Download a copy",
)
def download(request: ApiRequest, pk: UUID) -> HttpResponse:
    export = exports.ready(request.auth.person, pk)
    response = HttpResponse(files.content(export.address), content_type="application/zip")
    name = f"danas-{export.created_at:%Y-%m-%d}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@router.get("/me/erasure", response=ErasureOut | None, auth=WholeAccount(), summary="What is left")
def erasing(request: ApiRequest) -> ErasureOut | None:
    """Null where nothing is being deleted."""
    return _erasure_out(request)


@router.post(
    "/me/erasure",
    response=ErasureOut | None,
    auth=WholeAccount(),
    summary="Delete all my conversations, or my account",
)
def erase(request: ApiRequest, body: Erasing) -> ErasureOut | None:
    """There is no way back. Versions that were trained before keep what they learned."""
    person = request.auth.person
    passwords.confirm(person, body.password)
    erasure.ask(person, with_account=body.what == "account", name=body.name)
    found = _erasure_out(request)
    if body.what == "account":
        logout(request)
    return found


def _erasure_out(request: ApiRequest) -> ErasureOut | None:
    found = erasure.of(request.auth.person)
    if found is None:
        return None
    what, left = found
    return ErasureOut(what="account" if what.with_account else "conversations", left=left)


def _export_out(export: Export) -> ExportOut:
    return ExportOut(
        id=export.pk,
        state=export.state,
        done=export.done,
        total=export.total,
        bytes=export.bytes,
        created_at=export.created_at,
        expires_at=export.expires_at,
    )
