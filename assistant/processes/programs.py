"""The programs of one machine: what to run, in which order, and how each is asked to stop.

docker-compose.yml describes the same processes; tests/test_compose.py holds the two together.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from assistant.home import Home
from assistant.processes import postgres, valkey

PYTHON = sys.executable
LOG_LEVEL = ("--loglevel", "INFO")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One supervised process. Stages start in ascending and stop in descending order."""

    name: str
    command: list[str]
    stage: int
    stop_signal: str = "TERM"
    stop_timeout_s: int = 5
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the settings leave to this machine: what has an address elsewhere is not started."""

    home: Home
    host: str
    port: int
    model: Path
    engine_port: int
    runs_postgres: bool
    runs_valkey: bool
    runs_engine: bool


# The stages together stop within 30 s even when every program needs its whole time.
STORES, ENGINE, WORKERS, WEB = 10, 30, 40, 50


def programs(plan: Plan) -> list[Program]:
    """All programs in the order of their start."""
    return [*stores(plan), *engine(plan), *workers(plan), web(plan)]


def stores(plan: Plan) -> list[Program]:
    found = []
    if plan.runs_postgres:
        found.append(
            Program(
                name="postgres",
                command=postgres.command(plan.home),
                stage=STORES,
                # "Fast shutdown": SIGTERM would wait until the last client has gone.
                stop_signal="INT",
            )
        )
    if plan.runs_valkey:
        found.append(Program(name="valkey", command=valkey.command(plan.home), stage=STORES + 1))
    return found


def engine(plan: Plan) -> list[Program]:
    if not plan.runs_engine:
        return []
    module = (PYTHON, "-m", "inference.engine.server")
    where = ("--model", str(plan.model), "--host", "127.0.0.1", "--port", str(plan.engine_port))
    # vLLM's processes talk over sockets in the temporary folder, and leave them there when killed.
    scratch = {"TMPDIR": str(plan.home.sockets)}
    return [Program(name="engine", command=[*module, *where], stage=ENGINE, environment=scratch)]


def workers(plan: Plan) -> list[Program]:
    # Threads that wait for each other in a spin take the cores from those who answer.
    threads = {
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) // 2)),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    generation = [PYTHON, "manage.py", "generationworker"]
    schedule = plan.home.root / "beat-schedule"
    beat = celery("beat", "--schedule", str(schedule), "--pidfile", "", *LOG_LEVEL)
    return [
        Program(name="generation", command=generation, stage=WORKERS),
        Program(name="default", command=worker("default", "threads", "2"), stage=WORKERS),
        # Training waits for all that a person waits for, and judging for answers.
        Program(
            name="reward",
            command=["nice", "-n", "5", *gpu_worker("reward")],
            stage=WORKERS,
            environment=threads,
        ),
        Program(
            name="learner",
            command=["nice", "-n", "10", *gpu_worker("learner")],
            stage=WORKERS,
            environment=threads,
        ),
        Program(name="beat", command=beat, stage=WORKERS),
    ]


def web(plan: Plan) -> Program:
    uvicorn = (PYTHON, "-m", "uvicorn", "assistant.asgi:application", "--lifespan", "off")
    where = ("--host", plan.host, "--port", str(plan.port))
    # Open sockets would otherwise hold up the stop; whoever is connected comes back and replays.
    patience = ("--timeout-graceful-shutdown", "3", "--no-access-log")
    # Longer than clients keep an idle connection: one that closes first loses the request that the
    # other is just sending, and a POST is not sent again by itself.
    kept = ("--timeout-keep-alive", "75")
    return Program(name="web", command=[*uvicorn, *where, *patience, *kept], stage=WEB)


def celery(*arguments: str) -> list[str]:
    return [PYTHON, "-m", "celery", "-A", "assistant.celery", *arguments]


def worker(queue: str, pool: str, concurrency: str, *more: str) -> list[str]:
    """A Celery worker of one queue, named after it, without the chatter between workers."""
    return [
        *celery("worker", "-Q", queue, "--hostname", f"{queue}@%h"),
        *("--pool", pool, "--concurrency", concurrency),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *(*more, *LOG_LEVEL),
    ]


def gpu_worker(queue: str) -> list[str]:
    """One task at a time in the worker's own process: CUDA does not survive a fork."""
    return worker(queue, "solo", "1", "--include", "learning.worker.tasks")
