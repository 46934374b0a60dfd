"""The reward worker's work: features of new answers, and judgements into the head, in order.

Judgements come first, since a person waits for them. Each is taken in by one transaction under
the reward lock; killed at any point, the work goes on where the rows say. The log is replayed in
the order in which judgements were taken in, whenever something was taken out of it.
"""

from __future__ import annotations

import logging
from uuid import UUID

import numpy as np
import redis
from django.db import transaction
from jaxtyping import Float
from numpy import ndarray
from pgvector.django import MaxInnerProduct

from learning import ledger, queue
from learning.config import FEATURE_DIMENSIONS, RewardConfig
from learning.contracts import FeedbackKind
from learning.intake import lock_reward
from learning.models import Answer, Judgement, PersonEffect, RewardVersion
from learning.reward.batch import best_prior_sd
from learning.reward.features import Extract
from learning.reward.length import Contrast, LengthShare, log_length, unsupported
from learning.reward.model import Head, Pair, read
from learning.reward.personal import Effect
from learning.reward.rewarder import Rewarder
from learning.reward.stream import Refit, Stream, Taken, replay, walk
from learning.worker import effects, log, watching
from learning.worker.describing import (
    IsDictated,
    ToTokens,
    describe,
    describe_next,
    nothing_is_dictated,
)
from learning.worker.log import Logged

logger = logging.getLogger(__name__)
CONFIG = RewardConfig()
Cause = RewardVersion.Cause


def catch_up(
    extract: Extract, to_tokens: ToTokens, is_dictated: IsDictated = nothing_is_dictated
) -> None:
    """Take in everything that waits. Idempotent; serial with any other run by the reward lock."""
    current_head()
    while (
        take_in_next(extract, to_tokens, is_dictated)
        or effects.refresh_next(current_head, CONFIG)
        or describe_next(extract, is_dictated)
    ):
        pass


def take_in_next(
    extract: Extract, to_tokens: ToTokens, is_dictated: IsDictated = nothing_is_dictated
) -> bool:
    """Take in the oldest judgement that waits; says whether there was one."""
    judgement = (
        Judgement.objects.filter(version=None, revoked_at=None)
        .select_related("answer", "over")
        .first()
    )
    if judgement is None:
        return False
    describe(judgement, extract, to_tokens, is_dictated, CONFIG)
    version = _take_in(judgement.pk)
    if version is not None:
        _announce(judgement.feedback, version)
        watching.after_judgement(version, *current_head(), CONFIG)
    return True


def current_head() -> tuple[Head, int]:
    """The newest head and its version, built anew where something was taken out of the log."""
    stream, number = _current()
    return stream.head, number


def estimate(
    features: Float[ndarray, " feature"], person: int | None = None
) -> tuple[float, float, int]:
    """Mean and deviation of the log-odds that people, or this person, like such an answer, and
    the reward version that says so."""
    head, number = current_head()
    effect = _effect(person)
    mean, sd = effect.estimate(head, features) if effect else head.estimate(features)
    return mean, sd, number


def rewarder(
    extract: Extract, ends: frozenset[int], person: int | None = None
) -> tuple[Rewarder, int]:
    """What an update is trained on, and the reward version behind it.

    For a `person` what they like beyond what everybody likes is added, as far as it is known.
    """
    head, number = current_head()
    effect = _effect(person)
    return Rewarder(extract, head, CONFIG, ends, length_share(head, effect, person), effect), number


def length_share(head: Head, effect: Effect | None, person: int | None) -> LengthShare:
    """What the head makes of length over recent answers, beyond what judgements support."""
    scores, lengths = watching.scores_and_lengths(head, CONFIG, effect)
    return unsupported(scores, lengths, contrasts(person), CONFIG)


def contrasts(person: int | None = None) -> list[Contrast]:
    """Judgements as seen by length: those that everybody's head learned from, or one person's.

    Corrections are left out: their lengths were matched before.
    """
    rows = Judgement.objects.filter(revoked_at=None).exclude(version=None)
    rows = rows.exclude(kind=FeedbackKind.CORRECTION).select_related("answer", "over")
    if person is None:
        rows = rows.filter(use=log.Use.LEARNED)
    else:
        rows = rows.filter(person=person).exclude(use=log.Use.SILENT)
    newest = Answer.objects.order_by("-created_at").values_list("response_token_ids__len")
    lengths = [log_length(tokens) for (tokens,) in newest[: CONFIG.recent]]
    usual = float(np.mean(lengths)) if lengths else 0.0
    return [contrast for row in rows if (contrast := _contrast(row, usual, person)) is not None]


@transaction.atomic
def refit() -> int | None:
    """Fit the head to the whole log at once; the version that this makes.

    None where nothing came in since the last refit: it would give the same head again.
    """
    lock_reward()
    _, number = _current()
    before = log.refits()
    newest = before[-1].version if before else 0
    if not RewardVersion.objects.filter(number__gt=newest).exists():
        return None
    standing = log.standing()
    entries = [each.entry for each in standing]
    heard, _, _ = walk(entries, FEATURE_DIMENSIONS, CONFIG, [each.version for each in before])
    chosen = Refit(number + 1, best_prior_sd(heard, CONFIG))
    stream, _ = replay(entries, FEATURE_DIMENSIONS, CONFIG, refits=[*before, chosen])
    _store(chosen.version, stream, Cause.REFIT, prior_sd=chosen.prior_sd)
    watching.measure(chosen.version, stream.head, CONFIG)
    return chosen.version


def _current() -> tuple[Stream, int]:
    newest = RewardVersion.objects.order_by("-number").first()
    if newest is not None and newest.head is None:
        newest = _build_anew()
    if newest is None or newest.head is None:
        return Stream.start(FEATURE_DIMENSIONS, CONFIG), 0
    return Stream.from_bytes(bytes(newest.head)), newest.number


@transaction.atomic
def _build_anew() -> RewardVersion | None:
    lock_reward()
    newest = RewardVersion.objects.order_by("-number").first()
    if newest is None or newest.head is not None:
        return newest
    standing = log.standing()
    entries = [each.entry for each in standing]
    stream, taken = replay(entries, FEATURE_DIMENSIONS, CONFIG, refits=log.refits())
    recent = watching.recent_features(CONFIG)
    for logged, what in zip(standing, taken, strict=True):
        _fill_in(logged, what)
        if what.moved is not None:
            logged.row.influence = _influence(recent @ what.moved)
    log.write_down(standing)
    return _store(newest.number + 1, stream, Cause.REBUILT)


@transaction.atomic
def _take_in(judgement_id: int) -> int | None:
    """The version that contains this judgement now; None if it was taken back meanwhile."""
    lock_reward()
    row = (
        Judgement.objects.filter(pk=judgement_id, version=None, revoked_at=None)
        .select_related("answer", "over")
        .first()
    )
    if row is None:
        return None
    before, number = _current()
    row.version = number + 1
    logged = log.logged(row, log.participant(row.person))
    after, what = before.take(logged.entry, CONFIG)
    _fill_in(logged, what)
    row.influence = _influence_of(what)
    row.save(update_fields=["version", "use", "weight", "predicted", "influence"])
    _store(row.version, after, Cause.JUDGEMENT, judgement=row)
    if what.has_drifted:
        watching.raise_drift(row.version)
    body = {"version": row.version, "use": row.use, "weight": row.weight, "kind": row.kind}
    ledger.record(ledger.Kind.JUDGED, str(row.feedback), body)
    return row.version


def _fill_in(logged: Logged, what: Taken) -> None:
    """Write into a row what became of its judgement. What was predicted before a refit stays."""
    logged.row.use = logged.use
    logged.row.weight = what.weight
    if what.moved is not None:
        logged.row.predicted = what.predicted


def _store(
    number: int,
    stream: Stream,
    cause: RewardVersion.Cause,
    *,
    judgement: Judgement | None = None,
    prior_sd: float | None = None,
) -> RewardVersion:
    RewardVersion.objects.exclude(head=None).update(head=None)
    return RewardVersion.objects.create(
        number=number,
        cause=cause,
        head=stream.to_bytes(),
        judgement=judgement,
        prior_sd=prior_sd,
    )


def _influence_of(what: Taken) -> float:
    """By how much the newest answers' log-odds moved; the database adds up, since reading all
    their features would take longer than everything else here."""
    if what.moved is None or not what.moved.any():
        return 0.0
    newest = Answer.objects.exclude(features=None).order_by("-created_at", "pk")[: CONFIG.recent]
    shifts = newest.annotate(minus=MaxInnerProduct("features", what.moved[:-1].tolist()))
    minus = np.array(shifts.values_list("minus", flat=True), dtype=np.float64)
    return _influence(what.moved[-1] - minus)


def _influence(shifts: Float[ndarray, " answer"]) -> float:
    return float(np.sqrt(np.square(shifts).mean())) if len(shifts) else 0.0


def _contrast(row: Judgement, usual: float, person: int | None) -> Contrast | None:
    event = log.event_of_row(row)
    said = read(event, CONFIG)
    if said is None:
        return None
    own = log_length(len(row.answer.response_token_ids))
    weight = said.weight * (1.0 if person is not None else row.weight or 0.0)
    if isinstance(event, Pair) and row.over is not None:
        other = log_length(len(row.over.response_token_ids))
        return Contrast(own - other, is_liked=True, weight=weight, is_thumb=False)
    # A direction ends with the bias: 1 where the answer was liked, -1 where it was not.
    return Contrast(own - usual, bool(said.direction[-1] > 0), weight, is_thumb=True)


def _effect(person: int | None) -> Effect | None:
    own = PersonEffect.objects.filter(person=person).first() if person is not None else None
    return None if own is None else Effect.from_bytes(bytes(own.head))


def _announce(feedback: UUID, version: int) -> None:
    """Wake up whoever waits for this judgement. The row says it too, so Valkey may be down."""
    try:
        queue.push(queue.reward_key(feedback), version)
    except redis.RedisError as error:
        logger.warning("version %d of the reward model is announced to nobody: %s", version, error)
