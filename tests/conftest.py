"""A home of its own for every test run, with PostgreSQL and Valkey started when first needed."""

from __future__ import annotations

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
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def pytest_configure() -> None:
    """Where tests run in several processes, each would read the settings, with this one's home,
    before it gets to this file."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the real processes comes last, and what ends them at the very end."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.path.name == "test_run.py":
        return 3
    return (
        2 if item.get_closest_marker("system") else 1 if item.get_closest_marker("browser") else 0
    )


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
def stack() -> Iterator[Stack]:
    """The real processes, started once for all tests that need them."""
    make_model()
    stack = Stack()
    try:
        stack.start()
        yield stack
    finally:
        stack.remove()
