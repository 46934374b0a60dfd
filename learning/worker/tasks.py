"""The Celery tasks of learning, found only by the workers that name this module themselves."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from inference import shelf
from inference.contracts import ChatMessage
from inference.diffusion import Block
from learning import queue
from learning.worker import loaded, memories, rewards, rollouts, updates
from learning.worker.engine import Engine

# Loading a model beside an engine that starts would only hold the engine up.
WARM_UP_AFTER_S = 30


@shared_task(name=queue.CATCH_UP)
def catch_up() -> None:
    workshop = loaded.workshop()
    rewards.catch_up(workshop.extractor, workshop.answer_ids, workshop.is_dictated)


@shared_task(name=queue.ESTIMATE)
def estimate(
    messages: list[dict[str, str]], response: str, reply_to: str, person: int | None = None
) -> None:
    workshop = loaded.workshop()
    prompt = workshop.tokenizer.prompt_ids([ChatMessage.from_json(message) for message in messages])
    features = workshop.extractor([(tuple(prompt), workshop.answer_ids(response))])[0]
    mean, sd, version = rewards.estimate(features, person)
    queue.push(reply_to, json.dumps({"mean": mean, "sd": sd, "version": version}))


@shared_task(name=queue.READ)
def read(blocks: list[tuple[int, str, str, int]], unread: list[int], reply_to: str) -> None:
    """What of these blocks is worth remembering; null where nothing here can tell."""
    workshop = loaded.workshop()
    read = [Block(id, str(id), role, text, tokens) for id, role, text, tokens in blocks]
    found = None
    if workshop.probe is not None:
        found = workshop.read(memories.in_use(workshop.probe), read, set(unread))
    queue.push(reply_to, json.dumps(found))


@shared_task(name=queue.LEARN_MEMORY)
def learn_memory(is_asked: bool = False) -> None:
    """Learn from what should have been remembered. Beat asks for it every night."""
    workshop = loaded.workshop()
    if workshop.probe is None:
        return
    if memories.describe_some(workshop, workshop.probe):
        queue.ask_learn_memory(is_asked=is_asked)
    else:
        memories.learn(workshop, workshop.probe, is_asked=is_asked)


@shared_task(name=queue.REFIT)
def refit() -> None:
    """Fit the reward head to its whole log at once. Beat asks for it every night."""
    rewards.refit()


@shared_task(name=queue.RUN_UPDATE)
def run_update(update_id: str) -> None:
    engine = Engine(settings.ENGINE_URLS, settings.ENGINE_KEY)
    updates.run(UUID(update_id), loaded.workshop(), engine)


@shared_task(name=queue.ROLLOUT)
def rollout(update_id: str, attempt: int, job: int, share: int) -> None:
    engine = Engine(settings.ENGINE_URLS, settings.ENGINE_KEY)
    rollouts.help_out(
        *(UUID(update_id), attempt, job, share),
        *(shelf.storage(), engine, loaded.workshop().extractor),
    )


@worker_ready.connect
def ask_for_what_was_left(**_: Any) -> None:
    """A worker that was killed left rows behind; whoever starts next asks for them.

    Catching up also loads the model, so that the first judgement need not wait for that.
    """
    queue.ask_for_what_waits()
    catch_up.apply_async(countdown=WARM_UP_AFTER_S)
