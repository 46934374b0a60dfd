"""The ledger: what was learned from what, as a chain of hashes that shows any later change.

Each entry holds the digest of the one before it, so whoever has kept one digest can tell that
nothing before it was altered, taken out or put in. Entries hold ids and digests, never anybody's
words: deleting a conversation leaves the chain whole and says nothing about what was in it.

An entry's digest is the SHA-256 of its canonical JSON (sorted keys, no spaces, UTF-8, numbers as
Python writes them): number, kind, subject, body, time and the digest before it. The first entry
follows 64 zeros.
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
from django.db.models import QuerySet
from django.utils import timezone

from learning.models import LedgerEntry

FIRST = "0" * 64
# Any constant will do: whoever adds an entry holds this advisory lock until the transaction ends.
_LEDGER_LOCK = 0x44616E62


class Kind(StrEnum):
    """What happened. The subject is a feedback id for the first three, `participant N` for the
    fourth, else a policy's name."""

    JUDGED = "judged"
    REVOKED = "revoked"
    REVIEWED = "reviewed"
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


@dataclass(frozen=True, slots=True)
class Check:
    """The whole chain looked at. `head` is the newest digest, 64 zeros where there is no entry."""

    holds: bool
    entries: int
    head: str
    sentence: str


@transaction.atomic
def record(kind: Kind, subject: str, body: dict[str, Any]) -> LedgerEntry:
    """Add an entry. Call it inside the transaction that does what it tells of, as its last act:
    others who want to add one wait for that transaction's end.

    Raises:
        ValueError: a number in the body is not finite.
    """
    body = _as_stored(body)
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


def verify(entries: Iterable[LedgerEntry], *, seq: int = 0, previous: str = FIRST) -> Break | None:
    """The first break in a chain; None when it holds.

    It is expected to go on after entry `seq`, whose digest is `previous`; the whole chain starts
    after entry 0.
    """
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


def head() -> str:
    """The newest digest. Whoever keeps it can tell later that nothing before it was changed."""
    return LedgerEntry.objects.order_by("-seq").values_list("digest", flat=True).first() or FIRST


def of(*subjects: str) -> QuerySet[LedgerEntry]:
    """What the ledger says of these policies, pieces of feedback or participants, oldest first."""
    return LedgerEntry.objects.filter(subject__in=subjects).order_by("seq")


def since(seq: int) -> Break | None:
    """The first break from entry `seq` on, up to the newest."""
    before = LedgerEntry.objects.filter(seq=seq - 1).first()
    if before is None:
        return verify(LedgerEntry.objects.order_by("seq").iterator())
    later = LedgerEntry.objects.filter(seq__gte=seq).order_by("seq")
    return verify(later.iterator(), seq=before.seq, previous=before.digest)


@transaction.atomic
def check(kept: str = "") -> Check:
    """Look at the whole chain, and whether it still has the digest that somebody `kept`.

    A chain that was cut short at its end holds by itself; only a kept digest shows it.
    """
    newest = LedgerEntry.objects.order_by("-seq").first()
    if newest is None:
        return _with_kept(Check(True, 0, FIRST, "Nothing was written down yet."), kept)
    whole = LedgerEntry.objects.filter(seq__lte=newest.seq).order_by("seq")
    if broken := verify(whole.iterator()):
        return Check(False, newest.seq, newest.digest, broken.sentence)
    says = f"All {newest.seq:,} entries follow from one another."
    return _with_kept(Check(True, newest.seq, newest.digest, says), kept)


def _with_kept(found: Check, kept: str) -> Check:
    if kept in ("", FIRST) or LedgerEntry.objects.filter(digest=kept).exists():
        return found
    says = "The digest that you kept is not in the chain: what it stood for was altered or removed."
    return Check(False, found.entries, found.head, says)


def _as_stored(body: dict[str, Any]) -> dict[str, Any]:
    """The body as it will be read back, which is what its digest has to be made from.

    PostgreSQL keeps numbers as decimals, so 1e22 comes back as an integer and -0.0 without its
    sign; keys come back as text.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [json.dumps(body, allow_nan=False)])
        stored: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return stored
