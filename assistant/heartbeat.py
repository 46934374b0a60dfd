"""Signs of life of the worker processes, in Valkey, for /healthz.

A sign ends by itself, so a killed process is missed after at most `EXPIRES_S` seconds.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from celery.beat import Service
from celery.signals import beat_init, worker_ready, worker_shutting_down

from assistant import logs, valkey
from assistant.chat import sockets
from assistant.operations.tally import tally

logger = logging.getLogger(__name__)

# Celery's workers are named after their queue: `--hostname reward@%h`.
COMPONENTS = ("generation", "default", "reward", "learner", "beat")
EXPIRES_S = 10
EVERY_S = 3.0
# All processes with the time of their last sign, and the newest errors of all of them.
PROCESSES, ERRORS = "danas:processes", "danas:errors"


def key(component: str) -> str:
    return f"danas:alive:{component}"


class Heart:
    """Renews a component's sign of life on a daemon thread, until stopped or the process ends."""

    def __init__(self, component: str) -> None:
        self.component = component
        self._name = f"{component}:{socket.gethostname()}:{os.getpid()}"
        self._since = time.time()
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
            valkey.client().hdel(PROCESSES, self._name)
            self._hand_over()
        except redis.RedisError:
            logger.debug("valkey is gone before the sign of life of %s", self.component)

    def _beat(self) -> None:
        was_lost = False
        while not self._stopped.is_set():
            try:
                valkey.client().set(key(self.component), os.getpid(), ex=EXPIRES_S)
                valkey.client().hset(PROCESSES, self._name, self._report())
                self._hand_over()
            except redis.RedisError as error:
                if not was_lost:
                    logger.warning("no sign of life can be given: %s", error)
                was_lost = True
            else:
                was_lost = False
            self._stopped.wait(EVERY_S)

    def _report(self) -> str:
        return json.dumps(
            {
                "component": self.component,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "since": self._since,
                "at": time.time(),
                "memory_mb": memory_mb(),
                "sockets": sockets.count(),
            }
        )

    def _hand_over(self) -> None:
        """Give Valkey what this process has counted, and the errors that it has logged."""
        tally.hand_over(valkey.client())
        if errors := logs.Errors.taken():
            named = [json.dumps({**error, "process": self.component}) for error in errors]
            valkey.client().lpush(ERRORS, *named)
            valkey.client().ltrim(ERRORS, 0, logs.ERRORS_KEPT - 1)


def living() -> list[dict[str, Any]]:
    """What every living process says of itself; the dead are forgotten.

    Raises:
        redis.RedisError: Valkey does not answer.
    """
    found: dict[bytes, bytes] = valkey.client().hgetall(PROCESSES)  # type: ignore[assignment]
    reports = {name: json.loads(report) for name, report in found.items()}
    dead = [name for name, report in reports.items() if report["at"] < time.time() - EXPIRES_S]
    if dead:
        valkey.client().hdel(PROCESSES, *dead)
    alive = [report for name, report in reports.items() if name not in dead]
    return sorted(alive, key=lambda report: (report["component"], report["pid"]))


def memory_mb() -> float:
    """Of this process, resident; where the system does not say, the most it ever was."""
    try:
        with open("/proc/self/statm") as pages:
            return int(pages.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


_web: list[Heart] = []


def beat_as_web() -> None:
    """Let the website's process give signs of life, from its first request on."""
    if not _web:
        _web.append(Heart("web"))
        _web[0].start()


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
