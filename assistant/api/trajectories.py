"""`GET /v1/trajectories`: the researchers' pull, as lines of JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated

from channels.db import database_sync_to_async
from django.http import StreamingHttpResponse
from ninja import Query, Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.errors import RequestInvalid
from assistant.models import Scope
from assistant.trajectories import feed
from assistant.trajectories.formats import FORMATS

router = Router(tags=["research"])
logger = logging.getLogger(__name__)

ROWS_AT_MOST = 1_000_000


@router.get("/trajectories", auth=Needs(Scope.RESEARCH), summary="Pull trajectories")
async def pull(
    request: ApiRequest,
    form: Annotated[str, Query(alias="format")] = "native",
    since: Annotated[int, Field(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Field(ge=1, le=ROWS_AT_MOST)] = ROWS_AT_MOST,
) -> StreamingHttpResponse:
    """Trajectories of people who agreed to research, as NDJSON, in the order of `cursor`.

    `since` is the last `cursor` that was read: the next pull goes on after it, and sees a
    trajectory again, as the next revision, when the feedback on it has changed. `limit` is the
    number of trajectories looked at; formats that need feedback have fewer rows.
    """
    if form not in FORMATS:
        raise RequestInvalid(
            f"format: there is no {form!r}; there are {', '.join(FORMATS)}.",
            param="format",
            code="unknown_format",
        )
    logger.info("%s pulls %s since %d", request.auth.person, form, since)
    await database_sync_to_async(feed.give_places)()
    return StreamingHttpResponse(_lines(form, since, limit), content_type="application/x-ndjson")


async def _lines(form: str, since: int, limit: int) -> AsyncIterator[bytes]:
    while limit > 0:
        lines, since, read = await database_sync_to_async(_page)(form, since, limit)
        if read == 0:
            return
        limit -= read
        if lines:
            yield lines


def _page(form: str, since: int, limit: int) -> tuple[bytes, int, int]:
    """Some lines, the last place read, and how many trajectories that were."""
    releases = feed.page(since, min(limit, feed.PAGE_ROWS))
    rows = [row for release in releases for row in FORMATS[form](release)]
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    last = releases[-1].position if releases else since
    return lines.encode(), last, len(releases)
