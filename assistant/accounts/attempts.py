"""Attempts at what somebody else may be after, counted in Valkey by windows that move.

`assistant.rates` limits what known people do; this is for before it is known who it is. While
Valkey is away nothing is counted and everything let through: nobody is locked out by its absence.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import logging
import math
import time
from dataclasses import dataclass

import limits
import redis
from django.conf import settings
from django.http import HttpRequest
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from assistant.errors import RateExceeded

logger = logging.getLogger(__name__)
PATIENCE_S = 1.0
AWAY = (redis.RedisError, StorageError)


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` times in `per_s` seconds for each of whom it is asked; `name` is stable."""

    name: str
    amount: int
    per_s: int

    @property
    def _item(self) -> limits.RateLimitItem:
        return limits.RateLimitItemPerSecond(self.amount, self.per_s, namespace=self.name)


def spend(limit: Limit, *who: str) -> None:
    """Count once more.

    Raises:
        RateExceeded: that was one too many.
    """
    try:
        if _counter().hit(limit._item, _key(who)):
            return
    except AWAY:
        logger.warning("%s is not counted: no Valkey", limit.name)
        return
    raise _refused(limit, who)


def check(limit: Limit, *who: str) -> None:
    """Raises RateExceeded when nothing is left; counts nothing."""
    try:
        if _counter().test(limit._item, _key(who)):
            return
    except AWAY:
        return
    raise _refused(limit, who)


def forgive(limit: Limit, *who: str) -> None:
    """Begin anew."""
    try:
        _counter().clear(limit._item, _key(who))
    except AWAY:
        logger.warning("%s is not forgiven: no Valkey", limit.name)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from; of IPv6, the network that one customer has."""
    address = request.META.get("REMOTE_ADDR") or "local"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _refused(limit: Limit, who: tuple[str, ...]) -> RateExceeded:
    try:
        again_at = _counter().get_window_stats(limit._item, _key(who)).reset_time
    except AWAY:
        again_at = time.time() + limit.per_s
    wait_s = max(1, math.ceil(again_at - time.time()))
    minutes = math.ceil(wait_s / 60)
    when = f"{wait_s} s" if wait_s < 60 else f"{minutes} minute{'s' if minutes > 1 else ''}"
    return RateExceeded(f"Too many attempts. Try again in {when}.", retry_after_s=wait_s)


def _key(who: tuple[str, ...]) -> str:
    """A digest: names are as long as somebody sends them."""
    return hashlib.sha256("\0".join(who).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@functools.cache
def _counter() -> MovingWindowRateLimiter:
    url = settings.VALKEY_URL
    if url.startswith("unix://"):
        url = f"redis+{url}"
    storage = RedisStorage(
        url,
        key_prefix="danas:attempts",
        wrap_exceptions=True,
        socket_timeout=PATIENCE_S,
        socket_connect_timeout=PATIENCE_S,
    )
    return MovingWindowRateLimiter(storage)
