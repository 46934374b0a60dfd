"""`GET /v1/learning/metrics`: how good the reward model is, and what keeps the next update."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from learning import readiness
from learning.models import RewardMetrics

router = Router(tags=["learning"])


class MetricsPoint(Out):
    """The reward model at one version. Prequential figures (`auc`, `log_loss`, `calibration`) are
    over the newest judgements, each predicted before it was taken in; null: too few to say."""

    version: int
    events: int
    people: int
    auc: float | None
    log_loss: float | None
    calibration: float | None
    held_out_auc: float | None
    held_out_events: int
    length_correlation: float | None
    at: datetime


class Metrics(Out):
    """The newest points, oldest first. `frozen` says why nothing is trained, empty where training
    may go on; the next update by schedule waits for `needed_events` (`effective_events` so far),
    and `next_reason` says for what else."""

    points: list[MetricsPoint]
    frozen: str
    effective_events: float
    needed_events: int
    next_reason: str


@router.get(
    "/learning/metrics", response=Metrics, auth=Needs(), summary="How good is the reward model?"
)
def show(request: ApiRequest, limit: Annotated[int, Field(ge=1, le=5000)] = 500) -> Metrics:
    rows = RewardMetrics.objects.order_by("-pk")[:limit]
    outlook = readiness.outlook()
    return Metrics(
        points=[_point(row) for row in reversed(rows)],
        frozen=outlook.frozen,
        effective_events=outlook.effective_events,
        needed_events=outlook.needed_events,
        next_reason=outlook.next_reason,
    )


def _point(row: RewardMetrics) -> MetricsPoint:
    return MetricsPoint(
        version=row.version,
        events=row.events,
        people=row.people,
        auc=row.auc,
        log_loss=row.log_loss,
        calibration=row.calibration,
        held_out_auc=row.held_out_auc,
        held_out_events=row.held_out_events,
        length_correlation=row.length_correlation,
        at=row.at,
    )
