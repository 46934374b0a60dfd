"""Snapshots of the researchers' feed: asked for, watched, downloaded, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from ninja import Router, Status
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.trajectories import known
from assistant.models import Scope, Snapshot
from assistant.rates import Kind
from assistant.trajectories import snapshots
from assistant.trajectories.filters import Filter

router = Router(tags=["research"], auth=Needs(Scope.RESEARCH))

CHUNK = 1 << 18


class Asking(Body):
    format: str = "native"
    filter: Filter = Field(default_factory=Filter)


class FileOut(Out):
    name: str
    rows: int
    bytes: int
    sha256: str


class SnapshotOut(Out):
    """`looked_at` of `of` trajectories are read; there are no files before it is `ready`."""

    id: UUID
    format: str
    filter: dict[str, Any]
    state: Literal["queued", "building", "ready", "failed", "withdrawn", "expired"]
    reason: str
    looked_at: int
    of: int
    rows: int
    files: list[FileOut]
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime


class Snapshots(Out):
    data: list[SnapshotOut]


class WithdrawnRow(Out):
    trajectory_id: UUID
    because: Literal["withdrawn", "redacted"]


class Withdrawn(Out):
    data: list[WithdrawnRow]


@router.post(
    "/snapshots",
    auth=Needs(Scope.RESEARCH, rate=Kind.EXPORTS),
    response={202: SnapshotOut},
    summary="Have a snapshot made",
)
def ask(request: ApiRequest, body: Asking) -> Status[SnapshotOut]:
    """Parquet files of everything that the filter finds, kept for a week."""
    return Status(202, _out(snapshots.ask(request.auth.person, known(body.format), body.filter)))


@router.get("/snapshots", response=Snapshots, summary="List snapshots")
def index(request: ApiRequest) -> Snapshots:
    """The caller's own, the latest first."""
    rows = Snapshot.objects.filter(owner=request.auth.person)[:100]
    return Snapshots(data=[_out(row) for row in rows])


@router.get("/snapshots/{uuid:pk}", response=SnapshotOut, summary="One snapshot")
def show(request: ApiRequest, pk: UUID) -> SnapshotOut:
    return _out(snapshots.of(request.auth.person, pk))


@router.delete("/snapshots/{uuid:pk}", response={204: None}, summary="Delete a snapshot")
def delete(request: ApiRequest, pk: UUID) -> HttpResponse:
    snapshots.delete(request.auth.person, pk)
    return HttpResponse(status=204)


@router.get(
    "/snapshots/{uuid:pk}/withdrawn", response=Withdrawn, summary="What to drop from a copy of it"
)
def withdrawn(request: ApiRequest, pk: UUID) -> Withdrawn:
    """What was in it and was withdrawn, deleted or redacted since. Drop it from every copy."""
    rows = snapshots.withdrawn(snapshots.of(request.auth.person, pk))
    return Withdrawn(data=[WithdrawnRow(trajectory_id=row, because=why) for row, why in rows])


@router.get("/snapshots/{uuid:pk}/files/manifest.json", summary="What its files are")
def manifest(request: ApiRequest, pk: UUID) -> JsonResponse:
    """Rows, SHA-256 of every file, cursors, filter and the rule of consent."""
    row = snapshots.check(snapshots.of(request.auth.person, pk))
    return JsonResponse(row.manifest)


@router.get(
    "/snapshots/{uuid:pk}/files/{str:name}",
    auth=Needs(Scope.RESEARCH, rate=Kind.EXPORTS),
    summary="Download a file of a snapshot",
)
async def download(request: ApiRequest, pk: UUID, name: str) -> StreamingHttpResponse:
    """409 once it holds something that was withdrawn."""
    path = await database_sync_to_async(snapshots.file)(request.auth.person, pk, name)
    response = StreamingHttpResponse(_chunks(path), content_type="application/vnd.apache.parquet")
    response["Content-Length"] = path.stat().st_size
    response["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return response


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def _out(row: Snapshot) -> SnapshotOut:
    return SnapshotOut(
        id=row.pk,
        format=row.format,
        filter=row.filter,
        state=row.state,
        reason=row.reason,
        looked_at=row.looked_at,
        of=row.of,
        rows=row.manifest.get("rows", 0),
        files=row.manifest.get("files", []),
        created_at=row.created_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
    )
