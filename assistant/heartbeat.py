"""Signs of life of the worker processes, in Valkey, for /healthz.

A sign ends by itself, so a killed process is missed after at most `EXPIRES_S` seconds.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from celery.beat import Service
from celery.signals import beat_init, worker_ready, worker_shutting_down

from assistant import valkey

logger = logging.getLogger(__name__)

# Celery's workers are named after their queue: `--hostname reward@%h`.
COMPONENTS = ("generation", "default", "reward", "learner", "beat")
EXPIRES_S = 10
EVERY_S = 3.0


def key(component: str) -> str:
    return f"danas:alive:{component}"


class Heart:
    """Renews a component's sign of life on a daemon thread, until stopped or the process ends."""

    def __init__(self, component: str) -> None:
        self.component = component
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the sign of life at once, so that a clean stop is not taken for a living process."""
        self._stopped.set()
        self._thread.join(timeout=EVERY_S)
        try:
            valkey.client().delete(key(self.component))
        except redis.RedisError:
            logger.debug("valkey is gone before the sign of life of %s", self.component)

    def _beat(self) -> None:
        was_lost = False
        while not self._stopped.is_set():
            try:
                valkey.client().set(key(self.component), os.getpid(), ex=EXPIRES_S)
            except redis.RedisError as error:
                if not was_lost:
                    logger.warning("no sign of life can be given: %s", error)
                was_lost = True
            else:
                was_lost = False
            self._stopped.wait(EVERY_S)


def is_alive(component: str) -> bool:
    return bool(valkey.client().exists(key(component)))


@contextmanager
def beating(component: str) -> Iterator[None]:
    heart = Heart(component)
    heart.start()
    try:
        yield
    finally:
        heart.stop()


def beat_on_celery_signals() -> None:
    """Let every Celery process that starts from now on give signs of life."""
    worker_ready.connect(_worker_is_ready, weak=False)
    beat_init.connect(_beat_is_ready, weak=False)


def _worker_is_ready(sender: Any, **kwargs: Any) -> None:
    heart = Heart(sender.hostname.partition("@")[0])
    heart.start()
    worker_shutting_down.connect(lambda **_: heart.stop(), weak=False)


def _beat_is_ready(sender: Service, **kwargs: Any) -> None:
    Heart("beat").start()


if __name__ == "__main__":
    # What a container's health check asks: `python -m assistant.heartbeat reward`.
    sys.exit(0 if is_alive(sys.argv[1]) else 1)
