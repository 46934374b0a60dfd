"""What an administrator can do by hand. Each act is written down where it is done."""

from __future__ import annotations

import asyncio
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.accounts import acts
from assistant.chat import events
from assistant.chat.wakeups import wake_workers
from assistant.errors import NotFound
from assistant.models import Act, Generation, User
from inference import registry
from inference.client import EngineClient
from inference.contracts import Policy
from inference.models import PolicyVersion
from learning.models import Alarm


@transaction.atomic
def pause_learning(person: User) -> None:
    """No update starts or goes on until learning is resumed. Pausing twice is as good as once."""
    if Alarm.objects.filter(kind=Alarm.Kind.PAUSE, closed_at=None).exists():
        return
    Alarm.objects.create(
        kind=Alarm.Kind.PAUSE,
        sentence=f"{person.username} paused learning.",
        freezes_training=True,
    )
    acts.note(person, Act.Kind.PAUSE)


@transaction.atomic
def resume_learning(person: User) -> None:
    """Takes back the pause alone: what other alarms freeze stays so."""
    paused = Alarm.objects.filter(kind=Alarm.Kind.PAUSE, closed_at=None)
    if paused.update(closed_at=timezone.now(), closed_by=person.username):
        acts.note(person, Act.Kind.RESUME)


def unload(person: User, name: str) -> None:
    """Unload an adapter from every engine; an answer that needs it has it loaded again.

    Raises:
        NotFound: no such version, or one without an adapter.
        InferenceError: an engine did not do it.
    """
    version = PolicyVersion.objects.filter(name=name).exclude(path="").first()
    if version is None:
        raise NotFound(f"There is no adapter {name}.")
    asyncio.run(_unload(registry.as_policy(version)))
    acts.note(person, Act.Kind.UNLOAD, name)


async def _unload(policy: Policy) -> None:
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        await client.unload(policy)


@transaction.atomic
def stop_answer(person: User, answer: UUID) -> None:
    """Stop anybody's answer. One whose worker was asked before and did nothing is ended for it.

    Raises:
        NotFound: no such answer is being made.
    """
    generation = (
        Generation.objects.select_for_update(of=("self",))
        .filter(pk=answer, status__in=Generation.OPEN)
        .select_related("message")
        .first()
    )
    if generation is None:
        raise NotFound("No such answer is being made.")
    acts.note(person, Act.Kind.STOP, str(answer))
    if generation.status == Generation.Status.QUEUED or generation.stop_requested:
        events.settle(generation, Generation.Status.STOPPED)
        return
    Generation.objects.filter(pk=answer).update(stop_requested=True)
    transaction.on_commit(lambda: wake_workers(answer))
