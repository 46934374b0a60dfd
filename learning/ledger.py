"""The ledger: what was learned from what, as a chain of hashes that shows any later change.

Each entry holds the digest of the one before it, so whoever has kept one digest can tell that
nothing before it was altered, taken out or put in. Entries hold ids and digests, never anybody's
words: deleting a conversation leaves the chain whole and says nothing about what was in it.

An entry's digest is the SHA-256 of its canonical JSON (sorted keys, no spaces, UTF-8): number,
kind, subject, body, time and the digest before it. The first entry follows 64 zeros.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from learning.models import LedgerEntry

FIRST = "0" * 64
# Any constant will do: whoever adds an entry holds this advisory lock until the transaction ends.
_LEDGER_LOCK = 0x44616E62


class Kind(StrEnum):
    """What happened. The subject is a feedback id for the first two, else a policy's name."""

    JUDGED = "judged"
    REVOKED = "revoked"
    LEFT_OUT = "left_out"
    TRAINED = "trained"
    EXAMINED = "examined"
    TRIED = "tried"
    ACTIVATED = "activated"


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold, and what is wrong there."""

    seq: int
    sentence: str


@transaction.atomic
def record(kind: Kind, subject: str, body: dict[str, Any]) -> LedgerEntry:
    """Add an entry. Call it inside the transaction that does what it tells of, as its last act:
    others who want to add one wait for that transaction's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LEDGER_LOCK])
    last = LedgerEntry.objects.order_by("-seq").first()
    seq, previous = (last.seq + 1, last.digest) if last else (1, FIRST)
    at = timezone.now()
    digest = digest_of(seq, kind, subject, body, at, previous)
    return LedgerEntry.objects.create(
        seq=seq, kind=kind, subject=subject, body=body, previous=previous, digest=digest, at=at
    )


def digest_of(
    seq: int, kind: str, subject: str, body: dict[str, Any], at: datetime, previous: str
) -> str:
    """SHA-256 in hexadecimal. The time is ISO 8601 in UTC, to the microsecond."""
    content = {
        "seq": seq,
        "kind": str(kind),
        "subject": subject,
        "body": body,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "previous": previous,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def verify(entries: Iterable[LedgerEntry]) -> Break | None:
    """The first break in a chain that starts at its first entry; None when it holds."""
    seq, previous = 0, FIRST
    for entry in entries:
        if entry.seq != seq + 1:
            return Break(entry.seq, f"Entry {seq + 1} is missing.")
        if entry.previous != previous:
            return Break(entry.seq, f"Entry {entry.seq} does not follow from the one before it.")
        own = digest_of(entry.seq, entry.kind, entry.subject, entry.body, entry.at, entry.previous)
        if own != entry.digest:
            return Break(entry.seq, f"Entry {entry.seq} was altered.")
        seq, previous = entry.seq, entry.digest
    return None
