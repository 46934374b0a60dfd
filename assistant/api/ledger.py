"""The ledger for everyone who wants to check it: its entries, and whether the chain holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Annotated, Any

from channels.db import database_sync_to_async
from django.http import StreamingHttpResponse
from ninja import Query, Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.models import Scope
from learning import ledger
from learning.models import LedgerEntry

router = Router(tags=["learning"], auth=Needs(Scope.RESEARCH, Scope.LEARNING))

LINES = "application/x-ndjson"
PAGE_ENTRIES = 1000


class EntryOut(Out):
    """`digest` is the SHA-256 of the other six as canonical JSON (sorted keys, no spaces)."""

    seq: int
    kind: str
    subject: str
    body: dict[str, Any]
    at: str = Field(description="ISO 8601 in UTC to the microsecond, as it was hashed")
    previous: str
    digest: str


class Entries(Out):
    """`head` is the newest entry's digest: keep it, and no change of what came before it goes
    unnoticed."""

    data: list[EntryOut]
    head: str


class LedgerCheck(Out):
    holds: bool
    entries: int
    head: str
    sentence: str


@router.get("/ledger", response=Entries, summary="Read the ledger")
async def index(
    request: ApiRequest,
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Field(ge=1, le=PAGE_ENTRIES)] = PAGE_ENTRIES,
) -> Any:
    """Oldest first, after the number `after`. With `Accept: application/x-ndjson`, all of them,
    one a line."""
    if LINES in request.headers.get("Accept", ""):
        return StreamingHttpResponse(_lines(after), content_type=LINES)
    return await database_sync_to_async(_entries)(after, limit)


@router.get("/ledger/check", response=LedgerCheck, summary="Does the ledger hold?")
def check(
    request: ApiRequest,
    kept: Annotated[str, Query(pattern="^([0-9a-f]{64})?$")] = "",
) -> LedgerCheck:
    """Makes every digest again. `kept` is a digest from an earlier look: only whoever kept one
    can tell whether entries were taken from the end."""
    found = ledger.check(kept)
    return LedgerCheck(
        holds=found.holds, entries=found.entries, head=found.head, sentence=found.sentence
    )


def entry_out(entry: LedgerEntry) -> EntryOut:
    return EntryOut(
        seq=entry.seq,
        kind=entry.kind,
        subject=entry.subject,
        body=entry.body,
        at=entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        previous=entry.previous,
        digest=entry.digest,
    )


def _entries(after: int, limit: int) -> Entries:
    rows = LedgerEntry.objects.filter(seq__gt=after).order_by("seq")[:limit]
    return Entries(data=[entry_out(row) for row in rows], head=ledger.head())


async def _lines(after: int) -> AsyncIterator[bytes]:
    while (page := await database_sync_to_async(_entries)(after, PAGE_ENTRIES)).data:
        yield "".join(entry.model_dump_json() + "\n" for entry in page.data).encode()
        after = page.data[-1].seq
