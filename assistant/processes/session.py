"""The session of processes that a supervisor leads: who is in it, and its end.

A process keeps the session of its parent, so everything that a supervisor started can be found,
even when the supervisor itself was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Session:
    """A session by its leader's process number, and when the leader started (epoch seconds)."""

    leader: int
    started: float

    @classmethod
    def of(cls, leader: int) -> Session:
        return cls(leader, psutil.Process(leader).create_time())

    @classmethod
    def read(cls, path: Path) -> Session | None:
        """The session last written down, unless there was none or the machine restarted since."""
        try:
            leader, started = path.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        session = cls(int(leader), float(started))
        return session if session.started > psutil.boot_time() else None

    def write(self, path: Path) -> None:
        path.write_text(f"{self.leader} {self.started!r}\n")

    def leads(self) -> bool:
        """Whether the leader still runs; one that ended and waits for its parent does not."""
        try:
            process = psutil.Process(self.leader)
            return process.create_time() == self.started and (
                process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False

    def members(self) -> list[int]:
        """The processes of this session, the leader included.

        While one is left, the system gives the number to no new process; so a process of that
        number that is not the leader means that none is left.
        """
        if psutil.pid_exists(self.leader) and self.started != _started(self.leader):
            return []
        return [pid for pid in psutil.pids() if _session_of(pid) == self.leader]

    def kill_group(self, group: int) -> None:
        """Kill what is left of one process group: a killed process leaves its children in it."""
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(pid) == group:
                    os.kill(pid, signal.SIGKILL)

    def end(self, timeout_s: float) -> None:
        """Ask the leader to end everything in order, then kill whatever is left."""
        if self.leads():
            os.kill(self.leader, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while self.leads() and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _started(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
