"""Asking the workers for work, by task name: the website never imports a task's body.

The `ask_` functions belong into `transaction.on_commit`. The others wait for the reward worker,
`needs` without blocking its thread.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import redis
import redis.asyncio as aioredis
from asgiref.sync import async_to_sync
from celery import current_app
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from inference.contracts import ChatMessage
from inference.diffusion import Block
from learning.contracts import RewardEstimate
from learning.errors import NobodyReads, RewardUnavailable
from learning.models import Answer, Judgement, MemoryVersion, RewardVersion, Update

CATCH_UP = "learning.reward.catch_up"
ESTIMATE = "learning.reward.estimate"
READ = "learning.memory.read"
LEARN_MEMORY = "learning.memory.learn"
REFIT = "learning.reward.refit"
RUN_UPDATE = "learning.policy.run_update"
ROLLOUT = "learning.policy.rollout"

# By then the learner has done a share itself.
ROLLOUT_EXPIRES_S = 60
# A learner that has not beaten for this long is taken for dead.
STALE_AFTER = timedelta(seconds=30)
# What has waited this long was probably asked for in vain: Valkey or the worker was down.
OVERDUE_AFTER = timedelta(seconds=10)


def ask_catch_up() -> None:
    """Have the reward worker take in all answers and judgements that wait."""
    current_app.send_task(CATCH_UP)


def ask_learn_memory(*, is_asked: bool = False) -> None:
    """Have the reward worker learn from what people wished had been kept. `is_asked` by somebody,
    also after going back to the shipped probe."""
    current_app.send_task(LEARN_MEMORY, kwargs={"is_asked": is_asked})


def ask_update(update_id: UUID) -> None:
    """Have the learner carry out an update."""
    current_app.send_task(RUN_UPDATE, args=[str(update_id)])


def ask_rollout(update_id: UUID, attempt: int, job: int, share: int) -> None:
    """Have another machine take a share of an update's work; see `learning.worker.rollouts`."""
    current_app.send_task(
        ROLLOUT, args=[str(update_id), attempt, job, share], expires=ROLLOUT_EXPIRES_S
    )


def ask_for_what_waits() -> None:
    """Ask again for work that was asked for in vain. Beat calls this, and a worker that starts.

    Asking too often does no harm: the tasks look at the rows first, and an unread request expires.
    """
    now = timezone.now()
    expires = OVERDUE_AFTER.total_seconds()
    overdue = {"created_at__lt": now - OVERDUE_AFTER}
    if (
        Judgement.objects.filter(version=None, revoked_at=None, **overdue).exists()
        or Answer.objects.filter(features=None, **overdue).exists()
        or _head_is_missing()
    ):
        current_app.send_task(CATCH_UP, expires=expires)
    if MemoryVersion.objects.filter(state=MemoryVersion.State.WITHDRAWN).exists():
        current_app.send_task(LEARN_MEMORY, expires=expires)
    lost = Q(state=Update.State.QUEUED, **overdue) | Q(
        state__in=Update.RUNNING, heartbeat_at__lt=now - STALE_AFTER
    )
    for update in Update.objects.filter(lost):
        current_app.send_task(RUN_UPDATE, args=[str(update.pk)], expires=expires)


def reward_version_of(feedback: UUID, timeout_s: float) -> int | None:
    """Wait until the reward worker has taken a judgement in; None when the time is up.

    The worker pushes the version to a list that only this caller reads; the row is looked at
    before and after, for a push that came too early or expired.
    """
    version = _recorded_version(feedback)
    if version is None and timeout_s > 0:
        popped = async_to_sync(_pop)(reward_key(feedback), timeout_s)
        version = int(popped) if popped is not None else _recorded_version(feedback)
    return version


def estimate(
    prompt_messages: Sequence[ChatMessage],
    response: str,
    timeout_s: float,
    *,
    person: int | None = None,
) -> RewardEstimate:
    """What the reward model thinks now of `response` to these messages.

    With a `person`, how that person would like it: what they like beyond everybody is added, where
    they have judged enough to know.

    Raises:
        RewardUnavailable: no answer from the reward worker within `timeout_s`.
    """
    key = f"danas:estimate:{uuid.uuid4().hex}"
    current_app.send_task(
        ESTIMATE,
        args=[[message.to_json() for message in prompt_messages], response, key, person],
        expires=timeout_s,
    )
    popped = async_to_sync(_pop)(key, timeout_s)
    if popped is None:
        raise RewardUnavailable("The reward worker did not answer in time.")
    return RewardEstimate(**json.loads(popped))


async def needs(
    blocks: Sequence[Block], unread: Collection[int], timeout_s: float
) -> dict[int, list[float]]:
    """The log-odds that what each sentence of the unread blocks says will be asked for.

    Raises:
        NobodyReads: the reward worker has no probe for this base model, or did not answer.
    """
    key = f"danas:needs:{uuid.uuid4().hex}"
    shown = [(block.id, block.role, block.text, block.tokens) for block in blocks]
    args = [shown, sorted(unread), key]
    await asyncio.to_thread(current_app.send_task, READ, args=args, expires=timeout_s)
    popped = await _pop(key, timeout_s)
    if popped is None:
        raise NobodyReads("The reward worker did not answer in time.")
    found: dict[str, list[float]] | None = json.loads(popped)
    if found is None:
        raise NobodyReads("There is no probe for this base model: see manage.py train_memory.")
    return {int(block): log_odds for block, log_odds in found.items()}


def reward_key(feedback: UUID) -> str:
    """The Valkey list on which the version that first contained a judgement is pushed."""
    return f"danas:reward:{feedback}"


def push(key: str, value: str | int, *, expires_s: int = 60) -> None:
    """Leave a value for the one who waits for it with `_pop`."""
    with (
        redis.Redis.from_url(settings.VALKEY_URL, socket_timeout=5) as valkey,
        valkey.pipeline() as pipeline,
    ):
        pipeline.rpush(key, value).expire(key, expires_s).execute()


def claim(key: str, *, expires_s: int) -> bool:
    """Be the only one who works on something, for a while; says whether one is."""
    with redis.Redis.from_url(settings.VALKEY_URL, socket_timeout=5) as valkey:
        return bool(valkey.set(key, 1, nx=True, ex=expires_s))


def release(key: str) -> None:
    with redis.Redis.from_url(settings.VALKEY_URL, socket_timeout=5) as valkey:
        valkey.delete(key)


async def _pop(key: str, timeout_s: float) -> bytes | str | None:
    """Wait for a value, outlasting a restart of Valkey in between."""
    until = time.monotonic() + timeout_s
    while (left_s := until - time.monotonic()) > 0:
        try:
            async with aioredis.from_url(settings.VALKEY_URL, socket_timeout=left_s + 5) as valkey:
                popped = await valkey.blpop([key], timeout=left_s)
        except redis.ConnectionError:
            await asyncio.sleep(min(0.1, left_s))
        else:
            return popped[1] if popped else None
    return None


def _recorded_version(feedback: UUID) -> int | None:
    return Judgement.objects.filter(feedback=feedback).values_list("version", flat=True).first()


def _head_is_missing() -> bool:
    newest = RewardVersion.objects.order_by("-number").first()
    return newest is not None and newest.head is None
