"""Connections to Valkey for hints between processes. What matters is in PostgreSQL."""

from __future__ import annotations

import functools

import redis
import redis.asyncio
from django.conf import settings


@functools.cache
def client() -> redis.Redis:
    """The process's shared client; its pool is safe across threads."""
    return redis.Redis.from_url(settings.VALKEY_URL)


def async_client() -> redis.asyncio.Redis:
    """A new asynchronous client, bound to the event loop that uses it. The caller closes it."""
    return redis.asyncio.Redis.from_url(settings.VALKEY_URL)
