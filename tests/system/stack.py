"""The real processes, as `make run` starts them, on free ports and in a home of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from assistant.home import Home
from assistant.processes.supervise import reports

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / ".danas" / "models" / "SmolLM2-135M-Instruct"
# What the tests' own process is set to, and what would lead away from this machine.
FOREIGN = re.compile(r"^(DANAS_|DATABASE_URL$|VALKEY_URL$|VLLM_)")
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0
READY = re.compile(r"^Danas is ready at (\S+)$", re.MULTILINE)
SIGN_IN = re.compile(r"^Sign in as (\S+) with the password (\S+) ", re.MULTILINE)


class Stack:
    """One run of `manage.py run`. Start it again after a stop to continue with the same home.

    `settings` are environment variables beside those that keep it to itself; None leaves one to
    the product's default.
    """

    def __init__(self, **settings: str | None) -> None:
        self._settings = settings
        self.home = Path(tempfile.mkdtemp(prefix="danas-system-"))
        self.port, self.engine_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin, self.password = "", ""
        self.process: subprocess.Popen[bytes] | None = None
        self._output = self.home / "output"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        wanted = {
            **kept,
            "DANAS_HOME": str(self.home),
            "DANAS_PORT": str(self.port),
            "DANAS_ENGINE_PORT": str(self.engine_port),
            "DANAS_MODEL": str(MODEL),
            # A few steps go through everything that more would.
            "DANAS_UPDATE_STEPS": "4",
            **self._settings,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    @property
    def output(self) -> str:
        """What the person who started it has read so far."""
        return self._output.read_text()

    def start(self) -> float:
        """Seconds until the ready line."""
        started = time.monotonic()
        self.begin()
        self.wait_until_ready()
        return time.monotonic() - started

    def begin(self) -> None:
        """Start it and go on: vLLM takes a while."""
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        wait_until(self._has_started, START_TIMEOUT_S, "the ready line")
        if found := SIGN_IN.search(self.output):
            self.admin, self.password = found.groups()

    def _has_started(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the run ended: {self.output}")
        return READY.search(self.output) is not None

    def send(self, signum: int) -> None:
        assert self.process is not None
        self.process.send_signal(signum)

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, float]:
        """The run's exit status, and the seconds that it took to stop."""
        assert self.process is not None
        started = time.monotonic()
        self.send(signum)
        try:
            status = self.process.wait(STOP_TIMEOUT_S + 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return status, time.monotonic() - started

    def remove(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        """What `manage.py …` prints on standard output against this stack."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_user(self, name: str, *options: str, password: str = "correct horse") -> str:
        """An account; returns an API key of it. One process does both: most tests make somebody."""
        made = ["createuser", name, "--password", password, *options]
        both = "; ".join(
            [
                "from django.core.management import call_command",
                f"call_command(*{made!r})",
                f"call_command('createkey', {name!r})",
            ]
        )
        return self.manage("shell", "--verbosity", "0", "--command", both).strip().splitlines()[-1]

    def health(self) -> tuple[int, dict[str, str]]:
        """Status and components of /healthz; status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:
                return answer.status, json.load(answer)["components"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["components"]
        except OSError:
            return 0, {}

    def is_healthy(self) -> bool:
        return self.health()[0] == 200

    def pids(self) -> dict[str, int]:
        """Process number by program name; 0 for one that is not running."""
        return {info["name"]: info["pid"] for info in reports(Home(self.home))}

    def kill(self, *names: str) -> dict[str, int]:
        """Send SIGKILL; returns the process numbers from before."""
        before = self.pids()
        for name in names:
            os.kill(before[name], signal.SIGKILL)
        return before

    def has_restarted(self, before: dict[str, int], *names: str) -> bool:
        now = self.pids()
        return all(now[name] not in {0, before[name]} for name in names)

    def descendants(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def log(self, name: str) -> str:
        return (self.home / "logs" / f"{name}.log").read_text(errors="replace")


def left_of(processes: list[psutil.Process], timeout_s: float = 10.0) -> list[psutil.Process]:
    """Those that still run after the time-out; one that only waits for its parent does not."""
    _, there = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in there if process.status() != psutil.STATUS_ZOMBIE]


def make_model() -> None:
    """The embedded model, converted once per checkout."""
    module = [sys.executable, "-m", "inference.engine.model", "--target", str(MODEL)]
    subprocess.run(module, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(condition, timeout_s: float, what: str, every_s: float = 0.25) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {timeout_s:.0f} s"
        time.sleep(every_s)
