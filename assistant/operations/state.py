"""How the installation is, looked at piece by piece: processes, queues, engines, learning, stores.

Every function says what is so now. What does not answer is left out or empty, never made up.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict

from assistant import heartbeat, valkey
from assistant.models import Backup, Generation
from inference import registry
from inference.client import EngineClient
from inference.contracts import BASE_NAME
from inference.errors import InferenceError
from learning import readiness
from learning.models import Alarm, RewardMetrics, RewardVersion, Trial, Update

QUEUES = ("default", "reward", "learner", "rollout")
OPEN_SHOWN = 50
ENGINE_PATIENCE_S = 3.0
# vLLM's names for what is shown here.
RUNNING, WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
CACHE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
SAMPLED, READ = "vllm:generation_tokens_total", "vllm:prompt_tokens_total"


class Seen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Process(Seen):
    component: str
    host: str
    pid: int
    since: float
    at: float
    memory_mb: float
    sockets: int


class Engine(Seen):
    """One engine. Figures are null where it does not tell; `cache` is a share of 1."""

    address: str
    is_up: bool
    adapters: list[str] = []
    running: float | None = None
    waiting: float | None = None
    cache: float | None = None
    sampled_tokens: float | None = None
    prompt_tokens: float | None = None


class OpenAnswer(Seen):
    """An answer in the making. Says whose it is and how it goes, never what it says."""

    id: str
    person: str
    status: str
    policy: str
    worker: str
    events: int
    stop_requested: bool
    asked_at: datetime
    heartbeat_at: datetime | None


class Learning(Seen):
    reward_version: int | None
    auc: float | None
    held_out_auc: float | None
    updates: dict[str, int]
    live: str
    trial: str
    trial_share: int
    frozen: str
    is_paused: bool


class Database(Seen):
    bytes: int
    connections: int
    rows: dict[str, int]


class Storage(Seen):
    adapters: str
    adapters_bytes: int | None
    free_bytes: int
    backup_at: datetime | None
    backup_file: str
    valkey_bytes: int | None


def processes() -> list[Process]:
    """Raises redis.RedisError."""
    return [Process(**report) for report in heartbeat.living()]


def missing(found: list[Process]) -> list[str]:
    """The components without a single process."""
    there = {process.component for process in found}
    return [name for name in heartbeat.COMPONENTS if name not in there]


def queues() -> dict[str, int]:
    """Tasks that wait, by queue, and those that workers have taken.

    Raises: redis.RedisError.
    """
    with valkey.client().pipeline(transaction=False) as pipe:
        for name in QUEUES:
            pipe.llen(name)
        pipe.hlen("unacked")
        lengths = pipe.execute()
    return dict(zip((*QUEUES, "taken"), lengths, strict=True))


def errors() -> list[dict[str, str]]:
    """The newest first. Raises redis.RedisError."""
    found: list[bytes] = valkey.client().lrange(heartbeat.ERRORS, 0, -1)  # type: ignore[assignment]
    return [json.loads(each) for each in found]


async def engines() -> list[Engine]:
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        return list(await asyncio.gather(*(_engine(client, each) for each in client.addresses)))


async def _engine(client: EngineClient, address: str) -> Engine:
    try:
        async with asyncio.timeout(ENGINE_PATIENCE_S):
            adapters = sorted(await client.loaded(address) - {BASE_NAME})
            figures = _figures(await client.metrics(address))
    except (InferenceError, TimeoutError):
        return Engine(address=address, is_up=False)
    return Engine(address=address, is_up=True, adapters=adapters, **figures)


def _figures(text: str) -> dict[str, float | None]:
    """What vLLM says at /metrics, summed over its parts; null for what it does not say."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return {
        "running": sums.get(RUNNING),
        "waiting": sums.get(WAITING),
        "cache": next((sums[name] for name in CACHE if name in sums), None),
        "sampled_tokens": sums.get(SAMPLED),
        "prompt_tokens": sums.get(READ),
    }


def open_answers() -> list[OpenAnswer]:
    rows = (
        Generation.objects.filter(status__in=Generation.OPEN)
        .select_related("message__conversation__owner")
        .order_by("created_at")[:OPEN_SHOWN]
    )
    return [_open_answer(row) for row in rows]


def _open_answer(row: Generation) -> OpenAnswer:
    return OpenAnswer(
        id=str(row.pk),
        person=row.message.conversation.owner.username,
        status=row.status,
        policy=row.policy or row.model,
        worker=row.worker,
        events=row.last_seq,
        stop_requested=row.stop_requested,
        asked_at=row.created_at,
        heartbeat_at=row.heartbeat_at,
    )


def generation_lag_s() -> float:
    """For how long the oldest waiting answer has waited."""
    oldest = Generation.objects.filter(status=Generation.Status.QUEUED).order_by("created_at")
    asked_at = oldest.values_list("created_at", flat=True).first()
    return (timezone.now() - asked_at).total_seconds() if asked_at else 0.0


def answers_open() -> dict[str, int]:
    rows = Generation.objects.filter(status__in=Generation.OPEN).values_list("status")
    return {**dict.fromkeys(Generation.OPEN, 0), **dict(rows.annotate(Count("pk")))}


def learning() -> Learning:
    newest = RewardMetrics.objects.order_by("-pk").first()
    trial = Trial.objects.filter(state=Trial.State.RUNNING).first()
    version = RewardVersion.objects.order_by("-number").values_list("number", flat=True).first()
    return Learning(
        reward_version=version,
        auc=newest.auc if newest else None,
        held_out_auc=newest.held_out_auc if newest else None,
        updates=dict(Update.objects.order_by().values_list("state").annotate(Count("pk"))),
        live=registry.live().name,
        trial=trial.policy if trial else "",
        trial_share=trial.share if trial else 0,
        frozen=readiness.frozen(),
        is_paused=Alarm.objects.filter(kind=Alarm.Kind.PAUSE, closed_at=None).exists(),
    )


def database() -> Database:
    """Rows are PostgreSQL's own estimate, which is as old as its last look at the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database()),"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())"
        )
        size, connections = cursor.fetchone()
        cursor.execute(
            "SELECT relname, greatest(n_live_tup, 0) FROM pg_stat_user_tables"
            " WHERE n_live_tup > 0 ORDER BY 2 DESC LIMIT 20"
        )
        rows = dict(cursor.fetchall())
    return Database(bytes=size, connections=connections, rows=rows)


def storage() -> Storage:
    last = Backup.objects.first()
    return Storage(
        adapters=settings.STORAGE,
        adapters_bytes=None if "://" in settings.STORAGE else _bytes_below(Path(settings.STORAGE)),
        free_bytes=shutil.disk_usage(settings.HOME.root).free,
        backup_at=last.at if last else None,
        backup_file=last.file if last else "",
        valkey_bytes=_valkey_bytes(),
    )


def _bytes_below(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _valkey_bytes() -> int | None:
    try:
        info: dict[str, Any] = valkey.client().info("memory")
    except redis.RedisError:
        return None
    return int(info["used_memory"])
