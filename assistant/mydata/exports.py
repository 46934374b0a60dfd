"""Asking for a copy of everything, building it, and letting it go after a while."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from assistant import files
from assistant.errors import NotFound
from assistant.models import Export, User
from assistant.mydata import archive

BUILD = "assistant.build_export"
KEPT = timedelta(days=3)
# A worker says this often that it is still at it; silent for longer, it was lost.
LOST_AFTER = timedelta(minutes=10)
TOLD_EVERY = 25
State = Export.State


def ask(person: User) -> Export:
    """Have a copy built; the one that is being built already is the one that is meant."""
    try:
        with transaction.atomic():
            # Whoever forgets something locks the person too: no copy begins in the middle of that.
            User.objects.select_for_update(no_key=True).get(pk=person.pk)
            export = Export.objects.create(owner=person)
    except IntegrityError:
        return Export.objects.filter(owner=person, state__in=Export.OPEN).latest("created_at")
    transaction.on_commit(lambda: ask_for_build(export.pk))
    return export


def withdraw(person: int) -> None:
    """Delete a person's copies, since something that may be in them is being forgotten; one that
    is being built is begun anew. Call it in the transaction that forgets, with the person locked.
    """
    mine = Export.objects.select_for_update().filter(owner=person)
    rows = list(mine.exclude(state=State.FAILED))
    for row in rows:
        row.delete()
    if any(row.state in Export.OPEN for row in rows):
        ask(rows[0].owner)


def ask_for_build(pk: UUID) -> None:
    current_app.send_task(BUILD, args=[str(pk)])


def newest(person: User) -> Export | None:
    return Export.objects.filter(owner=person).first()


def ready(person: User, pk: UUID) -> Export:
    """Raises NotFound: someone else's, not built yet, or gone."""
    now = timezone.now()
    mine = Export.objects.filter(owner=person, pk=pk, state=State.READY, expires_at__gt=now)
    if (export := mine.first()) is None:
        raise NotFound("There is no such copy (any more). Ask for a new one.")
    return export


def build(pk: UUID) -> None:
    """Build a copy that waits, or that a lost worker left. May be called twice.

    Raises: whatever stopped it; the copy is marked as failed.
    """
    silent = Q(state=State.BUILDING, touched_at__lt=timezone.now() - LOST_AFTER)
    mine = Export.objects.filter(Q(state=State.QUEUED) | silent, pk=pk)
    if not mine.update(state=State.BUILDING, touched_at=timezone.now(), done=0):
        return
    export = Export.objects.select_related("owner").get(pk=pk)
    try:
        _build(export)
    except Exception:
        Export.objects.filter(pk=pk, state=State.BUILDING).update(state=State.FAILED)
        raise


def expire() -> None:
    """Delete copies whose time is over, and ask again for what a lost worker left."""
    now = timezone.now()
    Export.objects.filter(expires_at__lt=now).delete()
    Export.objects.filter(state=State.FAILED, created_at__lt=now - KEPT).delete()
    for pk in Export.objects.filter(
        state__in=Export.OPEN, touched_at__lt=now - LOST_AFTER
    ).values_list("pk", flat=True):
        ask_for_build(pk)


def _build(export: Export) -> None:
    row = Export.objects.filter(pk=export.pk)
    row.update(total=archive.conversations_of(export.owner).count())

    def told(done: int) -> None:
        if done % TOLD_EVERY == 0:
            row.update(done=done, touched_at=timezone.now())

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "danas.zip"
        archive.write(export.owner, path, told)
        size = path.stat().st_size
        address = files.shelf().write(f"exports/{export.pk}.zip", path.read_bytes())
    kept = row.filter(state=State.BUILDING).update(
        state=State.READY,
        address=address,
        bytes=size,
        done=F("total"),
        expires_at=timezone.now() + KEPT,
    )
    if not kept:
        # Its owner went away meanwhile.
        files.discard(address)
    older = Export.objects.filter(owner=export.owner, created_at__lt=export.created_at)
    for each in older:
        each.delete()
