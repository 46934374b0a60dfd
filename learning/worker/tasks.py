"""The Celery tasks of learning, found only by the workers that name this module themselves."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready

from inference.contracts import ChatMessage
from learning import queue
from learning.worker import loaded, rewards, updates


@shared_task(name=queue.CATCH_UP)
def catch_up() -> None:
    rewards.catch_up(loaded.extractor(), loaded.answer_ids)


@shared_task(name=queue.ESTIMATE)
def estimate(messages: list[dict[str, str]], response: str, reply_to: str) -> None:
    prompt = loaded.tokenizer().prompt_ids([ChatMessage(**message) for message in messages])
    features = loaded.extractor()([(tuple(prompt), loaded.answer_ids(response))])[0]
    head, version = rewards.current_head()
    mean, sd = head.estimate(features)
    queue.push(reply_to, json.dumps({"mean": mean, "sd": sd, "version": version}))


@shared_task(name=queue.RUN_UPDATE)
def run_update(update_id: str) -> None:
    updates.run(UUID(update_id))


@worker_ready.connect
def ask_for_what_was_left(**_: Any) -> None:
    """A worker that was killed left rows behind; whoever starts next asks for them."""
    queue.ask_for_what_waits()
