"""Snapshots: everything that a filter finds, as Parquet files that are kept for a week.

A snapshot is a copy, so consent follows it: it is refused, and its files are deleted, once
something in it was withdrawn, deleted or redacted. Whoever has downloaded it asks what that was.

Who builds writes to an address that this attempt alone has, and that the row knows from the start:
whatever becomes of a builder, its files are found and deleted (`assistant.files`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from celery import current_app
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assistant import files
from assistant.errors import NotFound, SnapshotNotThere
from assistant.models import Pull, Release, Snapshot, SnapshotRow, User
from assistant.trajectories import feed, pulls
from assistant.trajectories.filters import Filter
from inference import shelf

BUILD = "assistant.build_snapshot"
FOLDER = "snapshots"
KEPT_FOR = timedelta(days=7)
# A builder that has not beaten for this long is taken for dead.
STALE_AFTER = timedelta(minutes=2)
State = Snapshot.State

GONE = """
    SELECT s.trajectory, r.is_tombstone FROM assistant_snapshotrow s
      JOIN assistant_release r ON r.trajectory_id = s.trajectory
     WHERE s.snapshot_id = %s AND (r.is_tombstone OR r.redactions <> s.redactions)
     ORDER BY r.position
"""


@transaction.atomic
def ask(person: User, form: str, filter_: Filter) -> Snapshot:
    """Have a snapshot built."""
    row = Snapshot.objects.create(
        owner=person,
        format=form,
        filter=filter_.written(),
        expires_at=timezone.now() + KEPT_FOR,
    )
    transaction.on_commit(lambda: _ask_worker(row.pk), robust=True)
    return row


def of(person: User, pk: UUID) -> Snapshot:
    """Raises NotFound."""
    row = Snapshot.objects.filter(owner=person, pk=pk).first()
    if row is None:
        raise NotFound("There is no such snapshot.")
    return row


def withdrawn(row: Snapshot) -> list[tuple[UUID, str]]:
    """What of it has to be dropped, and why: `withdrawn` or `redacted`."""
    feed.give_places()
    return _gone(row)


def _gone(row: Snapshot) -> list[tuple[UUID, str]]:
    with connection.cursor() as cursor:
        cursor.execute(GONE, [row.pk])
        return [(pk, "withdrawn" if is_gone else "redacted") for pk, is_gone in cursor.fetchall()]


def file(person: User, pk: UUID, name: str) -> Path:
    """A file of it on this machine.

    Raises:
        NotFound: no such snapshot of this person, or no such file in it.
        SnapshotNotThere: it is not built, expired, or holds what was withdrawn.
        StorageUnavailable: the store cannot be reached.
    """
    row = check(of(person, pk))
    part = next((each for each in row.manifest["files"] if each["name"] == name), None)
    if part is None:
        raise NotFound("There is no such file in the snapshot.")
    path = shelf.storage().fetch(row.address) / name
    pulls.note(
        person,
        Pull.How.DOWNLOAD,
        part["rows"],
        form=row.format,
        filter_=Filter.model_validate(row.filter),
    )
    return path


def check(row: Snapshot) -> Snapshot:
    """Raises SnapshotNotThere, with what to do about it."""
    if row.state == State.READY and withdrawn(row):
        _drop(row, State.WITHDRAWN)
    match row.state:
        case State.READY:
            return row
        case State.WITHDRAWN:
            raise SnapshotNotThere(
                "Rows of this snapshot were withdrawn since it was made. Make a new one; its"
                f" /v1/snapshots/{row.pk}/withdrawn says what to drop from a copy of yours."
            )
        case State.EXPIRED:
            raise SnapshotNotThere("This snapshot has expired. Make a new one.")
        case State.FAILED:
            raise SnapshotNotThere("This snapshot could not be built. Make a new one.")
    raise SnapshotNotThere("This snapshot is still being built.")


def delete(person: User, pk: UUID) -> None:
    """Its files go with it. Raises NotFound."""
    of(person, pk).delete()


def tend() -> None:
    """Drop those that expired or hold what the feed says is gone; ask for what waits."""
    now = timezone.now()
    for row in Snapshot.objects.filter(state=State.READY):
        if row.expires_at <= now:
            _drop(row, State.EXPIRED)
        elif _gone(row):
            _drop(row, State.WITHDRAWN)
    for row in Snapshot.objects.filter(_unattended()):
        _ask_worker(row.pk)


@transaction.atomic
def claim(pk: UUID) -> Snapshot | None:
    """Take a snapshot to build it; None when another worker has it."""
    now = timezone.now()
    waiting = Q(state=State.QUEUED) | Q(state=State.BUILDING, heartbeat_at__lt=now - STALE_AFTER)
    row = Snapshot.objects.select_for_update().filter(waiting, pk=pk).first()
    if row is None:
        return None
    if row.address:
        files.discard(row.address)
    SnapshotRow.objects.filter(snapshot=pk).delete()
    row.address = shelf.storage().address(f"{FOLDER}/{pk}-{uuid4().hex[:8]}")
    row.state, row.heartbeat_at, row.looked_at = State.BUILDING, now, 0
    row.save(update_fields=["address", "state", "heartbeat_at", "looked_at"])
    return row


def key_of(row: Snapshot) -> str:
    """Where in the storage its builder puts it."""
    return f"{FOLDER}/{row.address.rpartition('/')[2]}"


def redactions() -> dict[str, str]:
    """By trajectory, the digest of what is redacted of it, where anything is.

    To be asked before the rows are read: what is redacted in between then shows as a difference.
    """
    rows = Release.objects.exclude(redactions="").values_list("trajectory_id", "redactions")
    return {str(trajectory): digest for trajectory, digest in rows}


def keep_rows(
    row: Snapshot, trajectories: Sequence[str], looked_at: int, redacted: Mapping[str, str]
) -> None:
    """Note which trajectories it holds, as they were `redacted`, and that the builder is alive."""
    rows = [
        SnapshotRow(snapshot=row, trajectory=UUID(pk), redactions=redacted.get(pk, ""))
        for pk in trajectories
    ]
    # A builder that was taken for dead may write some too; what it read counts as well then.
    SnapshotRow.objects.bulk_create(rows, ignore_conflicts=True)
    _built_by(row).update(looked_at=F("looked_at") + looked_at, heartbeat_at=timezone.now())


@transaction.atomic
def finish(row: Snapshot, **values: Any) -> None:
    """The end of a build. Nothing stays of one whose snapshot was deleted, or taken over."""
    if not _built_by(row).update(finished_at=timezone.now(), **values):
        files.discard(row.address)


@transaction.atomic
def fail(row: Snapshot, reason: str) -> None:
    files.discard(row.address)
    finish(row, state=State.FAILED, reason=reason, address="")


@transaction.atomic
def _drop(row: Snapshot, state: Snapshot.State) -> None:
    if Snapshot.objects.filter(pk=row.pk, state=State.READY).update(state=state, address=""):
        files.discard(row.address)
    row.state = state


def _built_by(row: Snapshot) -> QuerySet[Snapshot]:
    """The row, if the attempt that it was claimed for is still the one that counts."""
    return Snapshot.objects.filter(pk=row.pk, state=State.BUILDING, address=row.address)


def _unattended() -> Q:
    long_ago = timezone.now() - STALE_AFTER
    return Q(state=State.QUEUED, created_at__lt=long_ago) | Q(
        state=State.BUILDING, heartbeat_at__lt=long_ago
    )


def _ask_worker(pk: UUID) -> None:
    current_app.send_task(BUILD, args=[str(pk)])
