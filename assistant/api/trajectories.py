"""`GET /v1/trajectories`: the researchers' pull, as lines of JSON; and who pulled what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import StreamingHttpResponse
from ninja import Query, Router
from pydantic import AfterValidator, Field

from assistant.api.auth import Administrator, ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.api.errors import RequestInvalid
from assistant.models import Pull, Scope
from assistant.moments import Moment
from assistant.rates import Kind
from assistant.texts import storable
from assistant.trajectories import pulls, search
from assistant.trajectories.filters import Filter
from assistant.trajectories.pulls import Asked, Stream
from assistant.trajectories.search import By
from learning.contracts import FeedbackKind

router = Router(tags=["research"])

ROWS_AT_MOST = 1_000_000


class PullOut(Out):
    """One time that somebody took trajectories out. `is_whole` is false while it runs, and for one
    that was broken off."""

    id: int
    name: str
    how: str
    format: str
    filter: dict[str, Any]
    rows: int
    first: str
    last: str
    started_at: datetime
    ended_at: datetime | None
    is_whole: bool


class FoundTrajectory(Out):
    """Excerpts. `nearness` is 0 without a query."""

    trajectory_id: UUID
    place: int
    created_at: datetime
    person: str
    policy: str
    question: str | None
    answer: str
    feedback: list[str]
    tokens: int
    nearness: float


class FoundTrajectories(Out):
    data: list[FoundTrajectory]
    has_more: bool


class LookedAt(Out):
    """`row` is as in the format native; `pieces` are the texts of its sampled tokens."""

    row: dict[str, Any]
    pieces: list[str]


class Pulls(Out):
    data: list[PullOut]
    has_more: bool


@router.get(
    "/trajectories", auth=Needs(Scope.RESEARCH, rate=Kind.EXPORTS), summary="Pull trajectories"
)
async def pull(
    request: ApiRequest,
    form: Annotated[str, Query(alias="format")] = "native",
    since: Annotated[str, Field(max_length=40)] = "0",
    limit: Annotated[int, Field(ge=1, le=ROWS_AT_MOST)] = ROWS_AT_MOST,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    until: Moment | None = None,
    policy: Annotated[str, Field(max_length=80), AfterValidator(storable)] = "",
    feedback: Annotated[list[FeedbackKind], Query()] = [],  # noqa: B006
    tag: Annotated[str, Field(max_length=40), AfterValidator(storable)] = "",
    update: Annotated[str, Field(max_length=80), AfterValidator(storable)] = "",
) -> StreamingHttpResponse:
    """Trajectories of people who agreed to research, as NDJSON, in the order of `cursor`.

    `since` is the last `cursor` that was read, of a pull with the same format and filter: the next
    pull goes on after it. A trajectory comes again, as the next `revision`, when the feedback on it
    or what was learned from it has changed; as a tombstone (`op`) when it has to go. `limit` is the
    number of trajectories looked at; formats that need feedback have fewer rows.

    The filter: made `from` and `until` (not included) a moment, by a `policy`, with `feedback` of
    one of these kinds, with a `tag`, learned from in an `update` (its id, or the policy it made).
    """
    asked = Asked(
        known(form),
        Filter(
            since=from_,
            until=until,
            policy=policy,
            feedback=tuple(feedback),
            tag=tag,
            update=update,
        ),
        since,
        limit,
    )
    stream = await database_sync_to_async(Stream)(request.auth.person, asked)
    return StreamingHttpResponse(_lines(stream), content_type="application/x-ndjson")


@router.get("/pulls", auth=Administrator(), response=Pulls, summary="Who pulled trajectories")
def index(
    request: ApiRequest,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None,
) -> Pulls:
    """Everybody's, the latest first, for administrators. `before` is the `id` of the last one."""
    rows = Pull.objects.filter(**({} if before is None else {"pk__lt": before}))[: limit + 1]
    return Pulls(
        data=[PullOut.model_validate(row, from_attributes=True) for row in rows[:limit]],
        has_more=len(rows) > limit,
    )


@router.get(
    "/trajectories/found",
    auth=Needs(Scope.RESEARCH, rate=Kind.SEARCHES),
    response=FoundTrajectories,
    summary="Search trajectories",
)
def found(
    request: ApiRequest,
    q: Annotated[str, Field(max_length=search.LONGEST_QUERY), AfterValidator(storable)] = "",
    by: By = By.WORDS,
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    until: Moment | None = None,
    policy: Annotated[str, Field(max_length=80), AfterValidator(storable)] = "",
    feedback: Annotated[list[FeedbackKind], Query()] = [],  # noqa: B006
    tag: Annotated[str, Field(max_length=40), AfterValidator(storable)] = "",
    update: Annotated[str, Field(max_length=80), AfterValidator(storable)] = "",
) -> FoundTrajectories:
    """What a pull with this filter would have, as excerpts: the nearest to `q`, by its words or
    its meaning, or the latest without one. `before` is the `place` of the last one seen."""
    wanted = search.Wanted(
        Filter(
            since=from_,
            until=until,
            policy=policy,
            feedback=tuple(feedback),
            tag=tag,
            update=update,
        ),
        q.strip(),
        by,
        before,
    )
    rows = search.find(request.auth.person, wanted)
    return FoundTrajectories(
        data=[
            FoundTrajectory(**dict(zip(FoundTrajectory.model_fields, row, strict=True)))
            for row in rows
        ],
        has_more=len(rows) == wanted.limit and not wanted.query,
    )


@router.get(
    "/trajectories/{uuid:pk}",
    auth=Needs(Scope.RESEARCH, rate=Kind.SEARCHES),
    response=LookedAt,
    summary="One trajectory",
)
def show(request: ApiRequest, pk: UUID) -> LookedAt:
    """Its native row, and what each sampled token says."""
    row, pieces = search.look(request.auth.person, pk)
    return LookedAt(row=row, pieces=pieces)


def known(form: str) -> str:
    try:
        return pulls.check_format(form)
    except ValueError as error:
        raise RequestInvalid(str(error), param="format", code="unknown_format") from None


async def _lines(stream: Stream) -> AsyncIterator[bytes]:
    try:
        while (lines := await database_sync_to_async(stream.next)()) is not None:
            if lines:
                yield lines
    finally:
        # A reader who leaves cancels this; what they got is written down all the same.
        await asyncio.shield(database_sync_to_async(stream.end)(is_whole=False))
