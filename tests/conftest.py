"""A home of its own for every test run, with PostgreSQL and Valkey started when first needed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
import redis
from django.conf import settings
from django.db import connections

from assistant.home import Home
from assistant.processes import postgres, valkey
from tests.system.light import LightStack
from tests.system.stack import Stack, make_model

# Named in pytest's configuration, the settings would be read before this file, with a home in use.
ROOT = Path(tempfile.mkdtemp(prefix="danas-"))
os.environ.update(
    DJANGO_SETTINGS_MODULE="assistant.settings",
    DANAS_HOME=str(ROOT),
    DANAS_SECRET_KEY="only for tests",
    DANAS_ENGINE_KEY="only for tests",
)
# A test run is the same whatever the machine was set up to serve.
for name in ("DATABASE_URL", "VALKEY_URL", "DANAS_ENGINE_URLS", "DANAS_MODEL", "DANAS_PROFILE"):
    os.environ.pop(name, None)
django.setup()
# Slow on purpose in use, and only slow here.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

HOME = Home(ROOT)
# What the real processes are told, so that a model on two cores is not waited for: answers have a
# middle, and updates all their parts. No update starts by itself.
SHORT = {
    "DANAS_ANSWER_TOKENS": "128",
    "DANAS_UPDATE_CONFIG": json.dumps({"prompts": 4, "max_new_tokens": 32}),
    "DANAS_UPDATE_EVENTS": "10000",
    "DANAS_UPDATE_HOURS": "10000",
}
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def pytest_configure() -> None:
    """Where tests run in several processes, each would read the settings, with this one's home,
    before it gets to this file."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the real processes comes last, and what ends them at the very end.

    The light stack has its turn first: the other one starts meanwhile.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.path.name == "test_run.py":
        return 4
    if not (item.get_closest_marker("system") or item.get_closest_marker("browser")):
        return 0
    if "light" in getattr(item, "fixturenames", ()):
        return 1
    return 3 if item.get_closest_marker("system") else 2


def pytest_unconfigure() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[None]:
    server = postgres.start(HOME, *NOT_DURABLE)

    yield

    postgres.stop(server)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[None]:
    server = valkey.start(HOME)

    yield

    valkey.stop(server)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres_server: None, valkey_server: None) -> None:
    """Start the servers before pytest-django makes its database; no pool, so nothing stays open."""
    connections["default"].settings_dict["OPTIONS"].pop("pool", None)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The whole server is thrown away, so the database need not be dropped first."""
    return True


@pytest.fixture(autouse=True)
def _empty_valkey(request: pytest.FixtureRequest) -> Iterator[None]:
    yield

    if HOME.valkey_socket.exists():
        with redis.Redis(unix_socket_path=str(HOME.valkey_socket)) as client:
            client.flushall()


@pytest.fixture
def valkey_url(valkey_server: None) -> str:
    """For a test that needs Valkey and no database."""
    return f"unix://{HOME.valkey_socket}"


@pytest.fixture(scope="session")
def needs_stack(request: pytest.FixtureRequest) -> bool:
    """Whether any of the tests of this run starts the real processes."""
    return any("stack" in getattr(item, "fixturenames", ()) for item in request.session.items)


@pytest.fixture(scope="session")
def _starting_stack() -> Iterator[Stack]:
    make_model()
    stack = Stack(**SHORT)
    try:
        stack.begin()
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="session")
def stack(_starting_stack: Stack) -> Stack:
    """The real processes, started once for all tests that need them."""
    _starting_stack.wait_until_ready()
    return _starting_stack


@pytest.fixture(scope="session")
def light(request: pytest.FixtureRequest, needs_stack: bool) -> Iterator[LightStack]:
    """Danas with a scripted engine and no learning, for what people do with the page itself."""
    make_model()
    # Which items are reviewed twice is drawn by chance.
    stack = LightStack(DANAS_SIGNUP="open", DANAS_REVIEW_TWICE="0")
    try:
        stack.start()
        if needs_stack:
            request.getfixturevalue("_starting_stack")
        yield stack
    finally:
        stack.remove()
