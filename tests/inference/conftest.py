"""The embedded model, made once, and a real vLLM for the tests marked `system`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inference.engine import model
from tests.system.stack import Stack

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / ".danas" / "models" / "SmolLM2-135M-Instruct"
START_TIMEOUT_S = 240.0
CONTEXT = 1024


@pytest.fixture(scope="session")
def base_model() -> Path:
    model.prepare(model.EMBEDDED, MODEL, lambda line: None)
    return MODEL


@dataclass(frozen=True)
class Address:
    """Where a vLLM is, whoever started it."""

    url: str
    key: str
    context: int


@dataclass(frozen=True)
class RealEngine(Address):
    """A running `python -m inference.engine.server`."""

    process: subprocess.Popen[bytes]
    log: Path


def start_engine(base_model: Path, folder: Path, *options: str) -> RealEngine:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "engine.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "inference.engine.server", "--model", str(base_model)),
                *("--port", str(port), "--max-model-len", str(CONTEXT), *options),
            ],
            cwd=REPOSITORY,
            env={**os.environ, "VLLM_API_KEY": "k"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    engine = RealEngine(f"http://127.0.0.1:{port}", "k", CONTEXT, process, log)
    _wait_until_ready(engine)
    return engine


def _wait_until_ready(engine: RealEngine) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        if engine.process.poll() is not None:
            raise RuntimeError(engine.log.read_text()[-3000:])
        try:
            urllib.request.urlopen(f"{engine.url}/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    engine.process.kill()
    raise TimeoutError(engine.log.read_text()[-3000:])


@pytest.fixture(scope="session")
def real_engine(request: pytest.FixtureRequest, needs_stack: bool) -> Address:
    """The stack's, which takes long to start, where other tests of this run start it anyway."""
    if needs_stack:
        return engine_of(request.getfixturevalue("stack"))
    return request.getfixturevalue("own_engine")


def engine_of(stack: Stack) -> Address:
    key = (stack.home / "secrets" / "engine").read_text().strip()
    url = f"http://127.0.0.1:{stack.engine_port}"
    asked = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return Address(url, key, json.load(answer)["data"][0]["max_model_len"])


@pytest.fixture(scope="session")
def own_engine(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    engine = start_engine(base_model, tmp_path_factory.mktemp("engine"))
    yield engine
    family = descendants(engine.process.pid)
    engine.process.send_signal(signal.SIGTERM)
    engine.process.wait(20)
    assert outliving(family, 1) == []


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in children for each in [int(child), *descendants(int(child))]]


def outliving(pids: list[int], patience_s: float) -> list[int]:
    """Those of some processes that are still there after a while."""
    until = time.monotonic() + patience_s
    while (alive := [pid for pid in pids if _runs(pid)]) and time.monotonic() < until:
        time.sleep(0.1)
    return alive


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
