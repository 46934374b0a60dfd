"""What Prometheus reads at /metrics, computed when it asks, so that any process gives the same.

Counts come from Valkey (`operations.tally`), states from the database, and what
engines do from the engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import redis
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from assistant import heartbeat, rates, valkey
from assistant.operations import state, tally
from assistant.operations.state import Engine


def text(engines: Sequence[Engine]) -> bytes:
    """All metrics in Prometheus's text format. Reads the database and Valkey."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape(engines))
    return generate_latest(registry)


class _Scrape(Collector):
    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        try:
            counts = tally.read(valkey.client())
            yield _gauge("danas_valkey_up", "whether Valkey answers", 1)
            yield from _counts(counts)
            yield from _processes()
        except redis.RedisError:
            yield _gauge("danas_valkey_up", "whether Valkey answers", 0)
        yield from _answers()
        yield from _learning()
        yield from _stores()
        yield from _of_engines(self._engines)


def _counts(counts: Mapping[str, float]) -> Iterator[Metric]:
    yield _counter(
        "danas_requests", "requests over HTTP", ["method", "route", "status"], counts, "requests"
    )
    yield _histogram(
        "danas_request_seconds", "until the headers", ["route"], counts, "request_seconds"
    )
    yield _counter("danas_answers", "answers by how they ended", ["end"], counts, "answers")
    yield _counter("danas_tokens", "of answers", ["kind"], counts, "tokens")
    yield _histogram(
        "danas_first_token_seconds", "taken by a worker → first token", [], counts,
        "first_token_seconds",
    )  # fmt: skip
    hits = CounterMetricFamily("danas_rate_limit_hits", "acts refused", labels=["kind"])
    for kind, count in rates.refusals()[0].items():
        hits.add_metric([kind], count)
    yield hits


def _counter(
    metric: str, words: str, labels: list[str], counts: Mapping[str, float], name: str
) -> Metric:
    family = CounterMetricFamily(metric, words, labels=labels)
    for values, count in tally.counted(counts, name):
        family.add_metric(values, count)
    return family


def _histogram(
    metric: str, words: str, labels: list[str], counts: Mapping[str, float], name: str
) -> Metric:
    family = HistogramMetricFamily(metric, words, labels=labels)
    for values, found in tally.durations(counts, name).items():
        family.add_metric(list(values), buckets=list(found.buckets), sum_value=found.total_s)
    return family


def _processes() -> Iterator[Metric]:
    found = state.processes()
    up = GaugeMetricFamily("danas_processes", "living processes", labels=["component"])
    memory = GaugeMetricFamily(
        "danas_process_memory_bytes", "resident", labels=["component", "host", "pid"]
    )
    for name in ("web", *heartbeat.COMPONENTS):
        up.add_metric([name], sum(process.component == name for process in found))
    for process in found:
        memory.add_metric(
            [process.component, process.host, str(process.pid)], process.memory_mb * 1e6
        )
    waiting = GaugeMetricFamily("danas_queue_tasks", "tasks that wait, by queue", labels=["queue"])
    for queue, length in state.queues().items():
        waiting.add_metric([queue], length)
    open_sockets = sum(process.sockets for process in found)
    yield from (up, memory, waiting, _gauge("danas_sockets", "open WebSockets", open_sockets))


def _answers() -> Iterator[Metric]:
    answers = GaugeMetricFamily("danas_answers_open", "answers in the making", labels=["status"])
    for status, count in state.answers_open().items():
        answers.add_metric([status], count)
    yield answers
    yield _gauge(
        "danas_generation_lag_seconds", "age of the oldest waiting answer", state.generation_lag_s()
    )


def _learning() -> Iterator[Metric]:
    found = state.learning()
    yield _gauge("danas_reward_version", "of the reward model", found.reward_version)
    yield _gauge("danas_reward_auc", "prequential", found.auc)
    yield _gauge("danas_reward_held_out_auc", "on who is never learned from", found.held_out_auc)
    updates = GaugeMetricFamily("danas_updates", "updates by state", labels=["state"])
    for name, count in found.updates.items():
        updates.add_metric([name], count)
    yield updates
    yield _gauge("danas_canary_share", "per cent of people on the trial", found.trial_share)
    yield _gauge("danas_learning_frozen", "whether an alarm freezes training", bool(found.frozen))


def _stores() -> Iterator[Metric]:
    database, storage = state.database(), state.storage()
    yield _gauge("danas_database_bytes", "size of the database", database.bytes)
    yield _gauge("danas_database_connections", "open connections", database.connections)
    rows = GaugeMetricFamily("danas_database_rows", "PostgreSQL's estimate", labels=["table"])
    for table, count in database.rows.items():
        rows.add_metric([table], count)
    yield rows
    yield _gauge("danas_storage_free_bytes", "on the disk of DANAS_HOME", storage.free_bytes)
    yield _gauge("danas_storage_adapters_bytes", "of all adapters", storage.adapters_bytes)
    age = (timezone.now() - storage.backup_at).total_seconds() if storage.backup_at else None
    yield _gauge("danas_backup_age_seconds", "absent where there never was one", age)


def _of_engines(engines: Sequence[Engine]) -> Iterator[Metric]:
    told: dict[str, tuple[str, list[float | None]]] = {
        "danas_engine_up": ("whether it answers", [float(each.is_up) for each in engines]),
        "danas_engine_adapters": ("adapters loaded", [len(each.adapters) for each in engines]),
        "danas_engine_running": ("requests it works on", [each.running for each in engines]),
        "danas_engine_waiting": ("requests that wait", [each.waiting for each in engines]),
        "danas_engine_cache_share": ("of the KV cache in use", [each.cache for each in engines]),
        "danas_engine_sampled_tokens": ("since its start", [e.sampled_tokens for e in engines]),
        "danas_engine_prompt_tokens": ("since its start", [e.prompt_tokens for e in engines]),
    }
    for name, (words, values) in told.items():
        family = GaugeMetricFamily(name, words, labels=["engine"])
        for each, value in zip(engines, values, strict=True):
            if value is not None:
                family.add_metric([each.address], value)
        yield family


def _gauge(name: str, words: str, value: float | None) -> Metric:
    """Without a sample where there is no figure."""
    family = GaugeMetricFamily(name, words)
    if value is not None:
        family.add_metric([], value)
    return family
