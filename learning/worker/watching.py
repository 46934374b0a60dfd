"""How good the head is, written down as it learns, and the alarm when people change their minds."""

from __future__ import annotations

import numpy as np
from django.utils import timezone
from numpy import ndarray

from learning import readiness
from learning.config import RewardConfig
from learning.models import Alarm, Answer, Judgement, Participant, RewardMetrics
from learning.reward import length, validation
from learning.reward.model import Head, with_bias
from learning.reward.personal import Effect

Use = Judgement.Use
# A point of the time series comes after so many judgements.
MEASURE_EVERY = 8
# What an alarm is judged by before it closes itself.
SINCE_LEAST, SINCE_MOST = 20, 24
CLOSED_BY = "reward model"


def after_judgement(version: int, head: Head, newest: int, config: RewardConfig) -> None:
    """Look at the head after a judgement made `version`; it is the newest or soon not."""
    _close_drift_if_over()
    if head.taken_in % MEASURE_EVERY == 0 and newest == version:
        measure(version, head, config)


def measure(version: int, head: Head, config: RewardConfig) -> RewardMetrics:
    """Write down how good the head is at this version."""
    newest = readiness.predictions(Use.LEARNED, Use.HELD_OUT)
    held_out = readiness.predictions(Use.HELD_OUT)
    area = validation.auc(newest) if len(newest) >= validation.LEAST else None
    held_out_area = validation.auc(held_out) if len(held_out) >= validation.LEAST // 2 else None
    scores, lengths = scores_and_lengths(head, config)
    return RewardMetrics.objects.create(
        version=version,
        events=head.taken_in,
        people=Participant.objects.count(),
        auc=area.value if area else None,
        log_loss=validation.log_loss(newest),
        calibration=validation.calibration_error(newest),
        held_out_auc=held_out_area.value if held_out_area else None,
        held_out_events=len(held_out),
        length_correlation=length.correlation(scores, lengths),
    )


def raise_drift(version: int) -> None:
    """Freeze training until the head follows again, once however often it drifts meanwhile."""
    if Alarm.objects.filter(kind=Alarm.Kind.DRIFT, closed_at=None).exists():
        return
    before, since = _losses(version)
    Alarm.objects.create(
        kind=Alarm.Kind.DRIFT,
        sentence=(
            "People's judgements have become much less like what the reward model expects "
            f"({since:.2f} nats each of late, {before:.2f} before). Nothing is trained until it "
            "follows again, or until a reviewer closes this."
        ),
        figures={"version": version, "log_loss_before": before, "log_loss_since": since},
        freezes_training=True,
    )


def recent_features(config: RewardConfig) -> ndarray:
    """Features of the newest answers, with the bias: one row each."""
    rows = [with_bias(features) for features, _ in _recent(config)]
    return np.array(rows) if rows else np.zeros((0, 0))


def scores_and_lengths(
    head: Head, config: RewardConfig, effect: Effect | None = None
) -> tuple[ndarray, ndarray]:
    """What the head thinks of the newest answers, and their log lengths."""
    recent = _recent(config)
    scores = [
        effect.estimate(head, features)[0] if effect else head.estimate(features)[0]
        for features, _ in recent
    ]
    return np.array(scores), np.array([length.log_length(tokens) for _, tokens in recent])


def _recent(config: RewardConfig) -> list[tuple[ndarray, int]]:
    newest = Answer.objects.exclude(features=None).order_by("-created_at", "pk")
    rows = newest.values_list("features", "response_token_ids__len")[: config.recent]
    return [(np.asarray(features), int(tokens)) for features, tokens in rows]


def _close_drift_if_over() -> None:
    """Close the alarm when the judgements since then are predicted well enough again."""
    alarm = Alarm.objects.filter(kind=Alarm.Kind.DRIFT, closed_at=None).first()
    if alarm is None:
        return
    since = readiness.predictions(
        Use.LEARNED, Use.HELD_OUT, since=alarm.figures["version"], most=SINCE_MOST
    )
    area = validation.auc(since)
    if area is None or len(since) < SINCE_LEAST or area.value < validation.GOOD_ENOUGH:
        return
    Alarm.objects.filter(pk=alarm.pk, closed_at=None).update(
        closed_at=timezone.now(),
        closed_by=CLOSED_BY,
        note=(
            f"The reward model follows again: AUC {area.value:.2f} over the last {len(since)} "
            "judgements."
        ),
    )


def _losses(version: int) -> tuple[float, float]:
    """Nats per judgement before the newest ones, and over those."""
    newest = readiness.predictions(Use.LEARNED, Use.HELD_OUT)
    split = max(len(newest) - SINCE_LEAST, 0)
    before, since = validation.log_loss(newest[:split]), validation.log_loss(newest[split:])
    return round(before or 0.0, 3), round(since or 0.0, 3)
