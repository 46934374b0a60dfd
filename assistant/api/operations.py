"""For administrators: how the installation is, figures over time, and what can be done by hand."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated
from uuid import UUID

import redis
from channels.db import database_sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from assistant import rates
from assistant.accounts import acts
from assistant.api.auth import Administrator, ApiRequest, caller_of
from assistant.api.bodies import Out
from assistant.errors import AssistantError, NotSignedIn
from assistant.models import Act
from assistant.operations import actions, metrics, series, state

ACTS_SHOWN, ACTS_A_PAGE = 30, 100


router = Router(tags=["operations"], auth=Administrator())


class ErrorOut(Out):
    at: datetime
    process: str
    logger: str
    event: str
    error: str
    request_id: str


class RefusalOut(Out):
    kind: str
    person: int
    address: str
    at: datetime


class ActOut(Out):
    id: int
    name: str
    kind: str
    subject: str
    at: datetime


class Acts(Out):
    data: list[ActOut]
    has_more: bool


class FromValkey(Out):
    """What is known through Valkey; all of it is missing while that does not answer."""

    processes: list[state.Process]
    missing: list[str]
    queues: dict[str, int]
    refused: dict[str, int]
    refusals: list[RefusalOut]
    errors: list[ErrorOut]


class Overview(Out):
    """The state of the installation now; `hints` is null while Valkey does not answer."""

    hints: FromValkey | None
    engines: list[state.Engine]
    answers: list[state.OpenAnswer]
    lag_s: float
    learning: state.Learning
    database: state.Database
    storage: state.Storage
    acts: list[ActOut]


class Points(Out):
    """`at` in seconds of the epoch; a figure that is not known is null or absent."""

    data: list[dict[str, float | None]]


@router.get("/operations", response=Overview, summary="State of the installation")
async def show(request: ApiRequest) -> Overview:
    engines = await state.engines()
    overview: Overview = await database_sync_to_async(_overview)(engines)
    return overview


def _overview(engines: list[state.Engine]) -> Overview:
    return Overview(
        hints=_from_valkey(),
        engines=engines,
        answers=state.open_answers(),
        lag_s=state.generation_lag_s(),
        learning=state.learning(),
        database=state.database(),
        storage=state.storage(),
        acts=[_act(each) for each in acts.listed(ACTS_SHOWN)],
    )


@router.get("/acts", response=Acts, summary="What was done by hand")
def list_acts(request: ApiRequest, before: Annotated[int, Field(ge=1)] | None = None) -> Acts:
    """By administrators, and by anybody to the ways into an account: roles, keys, passwords, second
    factors, invitations. The latest first; `before` is the id of the last one of the page before.
    """
    found = acts.listed(ACTS_A_PAGE + 1, before)
    return Acts(
        data=[_act(each) for each in found[:ACTS_A_PAGE]], has_more=len(found) > ACTS_A_PAGE
    )


def _act(act: Act) -> ActOut:
    return ActOut(id=act.pk, name=act.name, kind=act.kind, subject=act.subject, at=act.at)


def _from_valkey() -> FromValkey | None:
    try:
        processes = state.processes()
        refused, refusals = rates.refusals()
        return FromValkey(
            processes=processes,
            missing=state.missing(processes),
            queues=state.queues(),
            refused=refused,
            refusals=[RefusalOut.model_validate(each) for each in refusals],
            errors=[ErrorOut.model_validate(each) for each in state.errors()],
        )
    except redis.RedisError:
        return None


@router.get("/operations/series", response=Points, summary="Figures over time")
def over_time(request: ApiRequest, hours: float = Query(1.0, gt=0, le=168)) -> Points:  # type: ignore[type-arg]
    return Points(data=series.points(hours))


@router.post("/operations/learning/pause", response={204: None}, summary="Pause learning")
def pause(request: ApiRequest) -> HttpResponse:
    actions.pause_learning(request.auth.person)
    return HttpResponse(status=204)


@router.post("/operations/learning/resume", response={204: None}, summary="Let learning go on")
def resume(request: ApiRequest) -> HttpResponse:
    actions.resume_learning(request.auth.person)
    return HttpResponse(status=204)


@router.post(
    "/operations/adapters/{name}/unload", response={204: None}, summary="Unload an adapter"
)
def unload(request: ApiRequest, name: str) -> HttpResponse:
    actions.unload(request.auth.person, name)
    return HttpResponse(status=204)


@router.post(
    "/operations/answers/{uuid:answer}/stop", response={204: None}, summary="Stop an answer"
)
def stop(request: ApiRequest, answer: UUID) -> HttpResponse:
    actions.stop_answer(request.auth.person, answer)
    return HttpResponse(status=204)


async def scrape(request: HttpRequest) -> HttpResponse:
    """GET /metrics, for Prometheus: with its own key or an administrator's."""
    try:
        await _let_in(request)
    except AssistantError as error:
        refused = HttpResponse(f"{error}\n", status=401, content_type="text/plain; charset=utf-8")
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    engines = await state.engines()
    text = await database_sync_to_async(metrics.text)(engines)
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


async def _let_in(request: HttpRequest) -> None:
    given = request.headers.get("Authorization", "")
    if not given:
        raise NotSignedIn("Send DANAS_METRICS_KEY or an administrator's API key.")
    wanted = f"Bearer {settings.METRICS_KEY}".encode()
    if settings.METRICS_KEY and secrets.compare_digest(given.encode(), wanted):
        return
    caller = await database_sync_to_async(caller_of)(request)
    caller.needs_administrator()
