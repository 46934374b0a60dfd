"""How a snapshot is built, in a worker."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from assistant.models import Pull, Release, Snapshot
from assistant.trajectories import feed, filters, parquet, pulls, snapshots
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.lines import Reading
from inference import shelf

logger = logging.getLogger(__name__)

CONSENT = (
    "Only people who had agreed to research when each row was read; no temporary conversations."
    " Before use, drop what `withdrawn` of this snapshot lists."
)


def build(pk: UUID) -> None:
    """Build a snapshot, once, however often this is asked for."""
    row = snapshots.claim(pk)
    if row is None:
        return
    folder = _scratch()
    try:
        manifest = _write(row, folder)
        shelf.storage().put_folder(folder, snapshots.key_of(row))
    except Exception:  # whatever it was, the person who waits is told
        logger.exception("snapshot %s could not be built", row.pk)
        snapshots.fail(row, "It could not be built; the log says why.")
    else:
        snapshots.finish(row, state=Snapshot.State.READY, manifest=manifest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _scratch() -> Path:
    """Beside the storage where that is a folder: what is done is moved there."""
    settings.HOME.adapters.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".snapshot-", dir=settings.HOME.adapters))


def _write(row: Snapshot, folder: Path) -> dict[str, Any]:
    form, asked = FORMATS[row.format], Filter.model_validate(row.filter)
    feed.give_places()
    head, redacted = feed.head(), snapshots.redactions()
    Snapshot.objects.filter(pk=row.pk).update(head=head, of=Release.objects.count())
    parts = parquet.Parts(folder, form)
    last = filters.cursor(0, row.format, asked)
    for page in Reading(row.format, asked).pages(0, head, 2**62):
        table = parquet.table(page.content, form)
        parts.write(table)
        trajectories = table["trajectory_id"].unique().to_pylist()
        snapshots.keep_rows(row, trajectories, page.looked_at, redacted)
        last = page.last
    files = parts.close()
    rows = sum(file["rows"] for file in files)
    pulls.note(row.owner, Pull.How.SNAPSHOT, rows, form=row.format, filter_=asked)
    return {
        "snapshot": str(row.pk),
        "format": row.format,
        "filter": row.filter,
        "rows": rows,
        "cursor": {"first": filters.cursor(0, row.format, asked), "last": last},
        "consent": CONSENT,
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "files": files,
    }
