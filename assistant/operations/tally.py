"""Counts of what happened, of all processes together: kept in Valkey, where /metrics reads them.

Each process counts for itself and hands over what is new with its signs of life, so counting costs
no trip. What a killed process had not handed over is lost: three seconds of figures.
"""

from __future__ import annotations

import bisect
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import redis

KEY = "danas:tally"
# Upper bounds in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ABOVE = "+Inf"
SEPARATOR = "|"


class Tally:
    """Counts of one process that were not handed over yet. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, *labels: str, by: float = 1) -> None:
        with self._lock:
            self._counts[SEPARATOR.join((name, *labels))] += by  # type: ignore[assignment]

    def time(self, name: str, *labels: str, seconds: float) -> None:
        """Count a duration into its bucket, and into the sum."""
        at = bisect.bisect_left(BUCKETS, seconds)
        bucket = str(BUCKETS[at]) if at < len(BUCKETS) else ABOVE
        key = SEPARATOR.join((name, *labels))
        with self._lock:
            self._counts[f"{key}{SEPARATOR}{bucket}"] += 1
            self._counts[f"{key}{SEPARATOR}sum"] += seconds  # type: ignore[assignment]

    def hand_over(self, client: redis.Redis) -> None:
        """Add what is new to the counts in Valkey; it stays new when that fails."""
        with self._lock:
            new, self._counts = self._counts, Counter()
        if not new:
            return
        try:
            with client.pipeline(transaction=True) as pipe:
                for key, count in new.items():
                    pipe.hincrbyfloat(KEY, key, count)
                pipe.execute()
        except redis.RedisError:
            with self._lock:
                self._counts.update(new)
            raise


# A process counts in one place, since nothing else of it sees all that happens in it.
tally = Tally()


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram: how many were at most so long, bucket by bucket, and their sum in seconds."""

    buckets: tuple[tuple[str, float], ...]
    total_s: float


def read(client: redis.Redis) -> dict[str, float]:
    """All counts of all processes.

    Raises:
        redis.RedisError: Valkey does not answer.
    """
    found: dict[bytes, bytes] = client.hgetall(KEY)  # type: ignore[assignment]
    return {key.decode(): float(count) for key, count in found.items()}


def counted(counts: Mapping[str, float], name: str) -> Iterator[tuple[list[str], float]]:
    """The counts of one name, with their labels."""
    for key, count in counts.items():
        first, *labels = key.split(SEPARATOR)
        if first == name:
            yield labels, count


def durations(counts: Mapping[str, float], name: str) -> dict[tuple[str, ...], Durations]:
    """The histograms of one name, by their labels."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for labels, count in counted(counts, name):
        *where, bucket = labels
        found.setdefault(tuple(where), {})[bucket] = count
    return {where: _cumulated(parts) for where, parts in found.items()}


def _cumulated(parts: Mapping[str, float]) -> Durations:
    total, buckets = 0.0, []
    for bound in (*map(str, BUCKETS), ABOVE):
        total += parts.get(bound, 0.0)
        buckets.append((bound, total))
    return Durations(tuple(buckets), parts.get("sum", 0.0))
