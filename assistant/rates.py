"""How often people may do what costs something: moving windows in Valkey, by person and by address.

One trip to Valkey asks for both. Where it does not answer, everything is let through: people
matter more than the limit.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import limits
import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from limits.limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from assistant.errors import RateExceeded

logger = logging.getLogger(__name__)

# Many people may share an address: together they may do so many times what one may.
ADDRESS_SHARE = 10
# Nobody waits longer than this for a limit, and after a failure nobody waits at all for a while.
PATIENCE_S = 0.25
PAUSE_S = 5.0
DAY_S = 86_400
REFUSALS_KEPT = 50
REFUSED, REFUSALS = "danas:rates:refused", "danas:rates:refusals"


class Kind(StrEnum):
    """What is counted. Tokens are counted when an answer ends, and looked at with messages."""

    MESSAGES = "messages"
    FEEDBACK = "feedback"
    UPLOADS = "uploads"
    EXPORTS = "exports"
    SEARCHES = "searches"
    TOKENS = "tokens"


DEFAULTS = {
    Kind.MESSAGES: "600/minute",
    Kind.FEEDBACK: "1200/minute",
    Kind.UPLOADS: "120/minute",
    Kind.EXPORTS: "60/minute",
    Kind.SEARCHES: "300/minute",
    Kind.TOKENS: "",
}


def parsed(wanted: Mapping[str, str]) -> dict[Kind, RateLimitItem | None]:
    """The limits over the defaults; null where there is none.

    Raises:
        ValueError: an unknown name, or a value that is no rate.
    """
    given = {Kind(name): rate for name, rate in wanted.items()}
    found = {kind: _rate(kind, given.get(kind, rate)) for kind, rate in DEFAULTS.items()}
    daily = found[Kind.TOKENS]
    if daily is not None and daily.get_expiry() != DAY_S:
        raise ValueError("tokens are limited by the day: '100000/day'")
    return found


def _rate(kind: Kind, text: str) -> RateLimitItem | None:
    if text in {"", "off"}:
        return None
    try:
        return limits.parse(text)
    except ValueError:
        raise ValueError(f"{kind}: {text!r} is no rate such as '600/minute'") from None


def spend(kind: Kind, person: int, address: str) -> None:
    """Count one act of this person. Call it off the event loop.

    Raises:
        RateExceeded: there were too many of late, by the person or from the address.
    """
    limit = settings.RATES[kind]
    most_tokens = settings.RATES[Kind.TOKENS] if kind is Kind.MESSAGES else None
    if limit is None and most_tokens is None:
        return
    found = _gate(settings.VALKEY_URL).ask(kind, limit, most_tokens, person, address)
    if found is not None:
        raise found


def spend_request(kind: Kind, person: int, request: HttpRequest) -> None:
    """As `spend`, for a request over HTTP."""
    spend(kind, person, request.META.get("REMOTE_ADDR", ""))


def note_tokens(person: int, tokens: int) -> None:
    """Count the tokens of an answer that has ended."""
    if settings.RATES[Kind.TOKENS] is not None and tokens:
        _gate(settings.VALKEY_URL).add_tokens(person, tokens)


def refusals() -> tuple[dict[str, int], list[dict[str, Any]]]:
    """How often each limit was hit, and the newest hits: kind, person, address and when.

    Raises:
        redis.RedisError: Valkey does not answer.
    """
    client = _gate(settings.VALKEY_URL).client
    counts, newest = client.hgetall(REFUSED), client.lrange(REFUSALS, 0, -1)
    return {str(kind): int(count) for kind, count in counts.items()}, [
        json.loads(each) for each in newest
    ]


@functools.cache
def _gate(url: str) -> Gate:
    return Gate(url)


class Gate:
    """The limits of one Valkey. Safe across threads."""

    def __init__(self, url: str) -> None:
        never = Retry(NoBackoff(), 0)
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            retry=never,
            decode_responses=True,
        )
        pool = self.client.connection_pool
        self._storage = RedisStorage("redis://", connection_pool=pool, key_prefix="danas:rates")
        self._windows = MovingWindowRateLimiter(self._storage)
        self._paused_until = 0.0

    def ask(
        self,
        kind: Kind,
        limit: RateLimitItem | None,
        most_tokens: RateLimitItem | None,
        person: int,
        address: str,
    ) -> RateExceeded | None:
        """Count one act; what to raise when it is one too many."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            return self._ask(kind, limit, most_tokens, person, address)
        except redis.RedisError as error:
            self._pause(error)
            return None

    def add_tokens(self, person: int, tokens: int) -> None:
        try:
            with self.client.pipeline(transaction=False) as pipe:
                pipe.incrby(_tokens_key(person), tokens)
                pipe.expire(_tokens_key(person), DAY_S)
                pipe.execute()
        except redis.RedisError as error:
            self._pause(error)

    def _ask(
        self,
        kind: Kind,
        limit: RateLimitItem | None,
        most_tokens: RateLimitItem | None,
        person: int,
        address: str,
    ) -> RateExceeded | None:
        asked = _windows(kind, limit, person, address)
        replies = self._in_one_trip(asked, _tokens_key(person) if most_tokens else "")
        for (item, *names), is_free in zip(asked, replies, strict=False):
            if not is_free:
                wait_s = self._windows.get_window_stats(item, *names).reset_time - time.time()
                return self._refuse(kind, item, person, address, wait_s)
        if most_tokens and int(replies[-1] or 0) >= most_tokens.amount:
            return self._refuse(Kind.TOKENS, most_tokens, person, address, _until_tomorrow_s())
        return None

    def _in_one_trip(self, asked: list[tuple[Any, ...]], tokens_key: str) -> list[Any]:
        try:
            return self._send(asked, tokens_key)
        except NoScriptError:
            # Valkey was started anew. Nothing was counted, since it knows all scripts or none.
            self.client.script_load(RedisStorage.SCRIPT_ACQUIRE_MOVING_WINDOW)
            return self._send(asked, tokens_key)

    def _send(self, asked: list[tuple[Any, ...]], tokens_key: str) -> list[Any]:
        script, now = self._storage.lua_acquire_moving_window.sha, time.time()
        with self.client.pipeline(transaction=False) as pipe:
            for item, *names in asked:
                key = self._storage.prefixed_key(item.key_for(*names))
                pipe.evalsha(script, 1, key, now, item.amount, item.get_expiry(), 1)
            if tokens_key:
                pipe.get(tokens_key)
            return pipe.execute()

    def _refuse(
        self, kind: Kind, item: RateLimitItem, person: int, address: str, wait_s: float
    ) -> RateExceeded:
        who = {"kind": kind, "person": person, "address": address}
        with self.client.pipeline(transaction=False) as pipe:
            pipe.hincrby(REFUSED, kind, 1)
            pipe.lpush(REFUSALS, json.dumps({**who, "at": timezone.now().isoformat()}))
            pipe.ltrim(REFUSALS, 0, REFUSALS_KEPT - 1)
            pipe.execute()
        return RateExceeded(
            f"That is more than {_in_words(kind, item)}. Try again in {_span(wait_s)}.",
            retry_after_s=max(1, math.ceil(wait_s)),
        )

    def _pause(self, error: redis.RedisError) -> None:
        self._paused_until = time.monotonic() + PAUSE_S
        logger.warning("nothing is limited for %.0f s: %s", PAUSE_S, error)


def _windows(
    kind: Kind, limit: RateLimitItem | None, person: int, address: str
) -> list[tuple[Any, ...]]:
    """Each limit that applies, and whose it is."""
    if limit is None:
        return []
    together = type(limit)(limit.amount * ADDRESS_SHARE, limit.multiples)
    found: list[tuple[Any, ...]] = [(limit, kind, "person", str(person))]
    return [*found, (together, kind, "address", address)] if address else found


def _tokens_key(person: int) -> str:
    return f"danas:rates:tokens:{person}:{timezone.now():%Y-%m-%d}"


def _until_tomorrow_s() -> float:
    return DAY_S - time.time() % DAY_S


def _in_words(kind: Kind, item: RateLimitItem) -> str:
    what = {Kind.FEEDBACK: "pieces of feedback"}.get(kind, str(kind))
    span = item.GRANULARITY.name
    every = span if item.multiples == 1 else f"{item.multiples} {span}s"
    return f"{item.amount:,} {what} a {every}"


def _span(seconds: float) -> str:
    whole = max(1, math.ceil(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
