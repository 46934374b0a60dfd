"""Files that belong to people: images, exports and snapshots. Where they lie, and how they go.

A file goes when its row does, whatever deleted the row: a conversation, an account, a sweep. Its
address is written down in the same transaction and the file deleted after it; what fails is tried
again by `sweep`.
"""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete

from assistant.errors import NotFound
from assistant.models import DiscardedFile, Export, Image, Snapshot
from inference import shelf as installation
from inference.storage import Storage

SWEEP = "assistant.sweep_files"
SWEEP_ROWS = 500
# Their `address` is that of a file, or empty.
KEPT_BY = (Image, Export, Snapshot)


def shelf() -> Storage:
    return Storage(settings.FILES, settings.HOME.cache / "files", settings.STORAGE_OPTIONS)


def discard(address: str) -> None:
    """Have a file deleted once the transaction at hand is committed."""
    DiscardedFile.objects.create(address=address)
    # A sweep that is asked for many times at once is one sweep.
    transaction.on_commit(_ask_for_sweep, robust=True)


def discard_with_rows() -> None:
    """Discard a row's file whenever the row is deleted. Called once in every process."""
    for model in KEPT_BY:
        post_delete.connect(_on_delete, sender=model, dispatch_uid=f"discard {model.__name__}")


def content(address: str) -> bytes:
    """A file's content.

    Raises:
        NotFound: it is gone.
        StorageUnavailable
    """
    found = shelf().read(address)
    if found is None:
        raise NotFound("The file is not there (any more).")
    return found


def sweep() -> int:
    """Delete discarded files; returns how many.

    Raises:
        StorageUnavailable: the store cannot be reached; what is left stays discarded.
    """
    rows = list(DiscardedFile.objects.order_by("pk")[:SWEEP_ROWS])
    for row in rows:
        installation.remove(row.address)
        row.delete()
    return len(rows)


def _on_delete(sender: object, instance: Any, **_: Any) -> None:
    if instance.address:
        discard(instance.address)


def _ask_for_sweep() -> None:
    current_app.send_task(SWEEP, countdown=1, expires=60)
