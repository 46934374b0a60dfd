"""Waiting for what was started, without letting the person who waits guess."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing

import redis
from django.conf import settings
from django.db import OperationalError, connection

from assistant.processes.errors import CannotStart

STORE_TIMEOUT_S = 60.0
SAY_EVERY_S = 10.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}

# A proxy that the machine is set up to use has no business with our own address.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Say = Callable[[str], None]


def wait_for_database() -> None:
    """Raises CannotStart when there is no answer in time."""

    def ask() -> None:
        connection.ensure_connection()
        connection.close()

    _wait("PostgreSQL", ask, OperationalError)


def wait_for_valkey() -> None:
    """Raises CannotStart when there is no answer in time."""

    def ask() -> None:
        with closing(redis.Redis.from_url(settings.VALKEY_URL)) as client:
            client.ping()

    _wait("Valkey", ask, redis.RedisError)


def _wait(name: str, ask: Callable[[], None], error: type[Exception]) -> None:
    deadline = time.monotonic() + STORE_TIMEOUT_S
    while True:
        try:
            return ask()
        except error as latest:
            if time.monotonic() > deadline:
                raise CannotStart(f"{name} does not answer: {latest}") from latest
            time.sleep(0.1)


def address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def waiting(host: str, port: int, say: Say) -> Iterator[None]:
    """Yields about every half second until /healthz says that all is up; says what is not."""
    url = address(ANY_ADDRESS.get(host, host), port) + "/healthz"
    started = said = time.monotonic()
    while missing := _missing(url):
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            say(f"Waiting for {', '.join(missing)} ({said - started:.0f} s) …")
        yield
        time.sleep(0.5)


def _missing(url: str) -> list[str]:
    """The components that are not up; none when all are."""
    try:
        with DIRECTLY.open(url, timeout=5) as answer:
            states = json.load(answer)["components"]
    except urllib.error.HTTPError as error:
        states = json.load(error)["components"] if error.code == 503 else {"web": "failing"}
    except (OSError, ValueError):
        return ["web"]
    return [name for name, state in states.items() if state != "ok"]
