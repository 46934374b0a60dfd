"""The reward worker's work: features of new answers, and judgements into the head, in order.

Judgements come first, since a person waits for them. Each is taken in by one transaction under
the reward lock; killed at any point, the work goes on where the rows say. The log is replayed in
the order in which judgements were taken in, whenever something was taken out of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import numpy as np
import redis
from django.db import transaction
from django.db.models import Q

from learning import queue
from learning.config import FEATURE_DIMENSIONS, RewardConfig
from learning.contracts import FeedbackKind
from learning.intake import lock_reward
from learning.models import Answer, Judgement, RewardVersion
from learning.policy.trainer import TokenIds
from learning.reward.features import Extract
from learning.reward.model import Event, Head
from learning.reward.stream import event_of, replay

logger = logging.getLogger(__name__)
ToTokens = Callable[[str], TokenIds]
# Answers whose features are computed between two looks for judgements.
AT_ONCE = 4
CONFIG = RewardConfig()


def catch_up(extract: Extract, to_tokens: ToTokens) -> None:
    """Take in everything that waits. Idempotent; serial with any other run by the reward lock."""
    current_head()
    while take_in_next(extract, to_tokens) or describe_next(extract):
        pass


def take_in_next(extract: Extract, to_tokens: ToTokens) -> bool:
    """Take in the oldest judgement that waits; says whether there was one."""
    judgement = (
        Judgement.objects.filter(version=None, revoked_at=None)
        .select_related("answer", "over")
        .first()
    )
    if judgement is None:
        return False
    _describe(judgement, extract, to_tokens)
    version = _take_in(judgement.pk)
    if version is not None:
        _announce(judgement.feedback, version)
    return True


def describe_next(extract: Extract) -> bool:
    """Compute features of the newest answers without any; says whether there were some."""
    answers = list(Answer.objects.filter(features=None).order_by("-created_at")[:AT_ONCE])
    if answers:
        _describe_answers(answers, extract)
    return bool(answers)


def current_head() -> tuple[Head, int]:
    """The newest head and its version, built anew where something was taken out of the log."""
    newest = RewardVersion.objects.order_by("-number").first()
    if newest is not None and newest.head is None:
        newest = _build_anew()
    if newest is None or newest.head is None:
        return Head.prior(FEATURE_DIMENSIONS, CONFIG), 0
    return Head.from_bytes(bytes(newest.head)), newest.number


@transaction.atomic
def _build_anew() -> RewardVersion | None:
    lock_reward()
    newest = RewardVersion.objects.order_by("-number").first()
    if newest is None or newest.head is not None:
        return newest
    head = replay(_log(), FEATURE_DIMENSIONS, CONFIG)
    return RewardVersion.objects.create(number=newest.number + 1, head=head.to_bytes())


@transaction.atomic
def _take_in(judgement_id: int) -> int | None:
    """The version that contains this judgement now; None if it was taken back meanwhile."""
    lock_reward()
    judgement = (
        Judgement.objects.filter(pk=judgement_id, version=None, revoked_at=None)
        .select_related("answer", "over")
        .first()
    )
    if judgement is None:
        return None
    head, number = current_head()
    event = _event(judgement)
    judgement.version = number + 1
    judgement.predicted = head.probability(event, CONFIG)
    judgement.save(update_fields=["version", "predicted"])
    RewardVersion.objects.exclude(head=None).update(head=None)
    RewardVersion.objects.create(
        number=number + 1, head=head.after(event, CONFIG).to_bytes(), judgement=judgement
    )
    return number + 1


def _log() -> Iterator[Event]:
    taken_in = Judgement.objects.filter(revoked_at=None).exclude(version=None)
    return map(_event, taken_in.order_by("version").select_related("answer", "over"))


def _event(judgement: Judgement) -> Event:
    return event_of(
        FeedbackKind(judgement.kind),
        np.asarray(judgement.answer.features),
        text=None if judgement.text_features is None else np.asarray(judgement.text_features),
        over=None if judgement.over is None else np.asarray(judgement.over.features),
    )


def _describe(judgement: Judgement, extract: Extract, to_tokens: ToTokens) -> None:
    """Make sure that the judgement's answers, and the text of a correction, have features."""
    answers = [judgement.answer, *([judgement.over] if judgement.over else [])]
    if bare := [answer for answer in answers if answer.features is None]:
        _describe_answers(bare, extract)
    if judgement.kind == FeedbackKind.CORRECTION and judgement.text_features is None:
        prompt = tuple(judgement.answer.prompt_token_ids)
        features = extract([(prompt, to_tokens(judgement.text))])[0]
        Judgement.objects.filter(pk=judgement.pk).update(text_features=features)


def _describe_answers(answers: Sequence[Answer], extract: Extract) -> None:
    pairs = [(tuple(a.prompt_token_ids), tuple(a.response_token_ids)) for a in answers]
    for answer, features in zip(answers, extract(pairs), strict=True):
        Answer.objects.filter(Q(pk=answer.pk) & Q(features=None)).update(features=features)


def _announce(feedback: UUID, version: int) -> None:
    """Wake up whoever waits for this judgement. The row says it too, so Valkey may be down."""
    try:
        queue.push(queue.reward_key(feedback), version)
    except redis.RedisError as error:
        logger.warning("version %d of the reward model is announced to nobody: %s", version, error)
