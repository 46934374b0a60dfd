"""supervisord: its configuration, its start and end, and what it reports.

It starts nothing by itself: `manage.py run` asks for each program when what it needs is there. On
the way down it stops the programs in reverse order and waits for each. It leads a session of its
own, so a Ctrl-C at the terminal reaches `manage.py run` alone, and so that all its descendants can
be found by the number of the session, even when it is gone itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from assistant.home import Home
from assistant.processes.errors import CannotStart
from assistant.processes.programs import Program
from assistant.processes.session import Session

# Under 30 s, with room for what is left to do after it.
STOP_TIMEOUT_S = 26.0
# supervisord gives up on a program after this many quick deaths in a row; `Supervisor.revive`
# then tries again every half minute, for ever.
QUICK_RETRIES = 5
REVIVE_EVERY_S = 30.0
# supervisord's word for a program that it has given up.
FATAL = "FATAL"
ORDERS = "supervisor.rpcinterface:make_main_rpcinterface"
PR_SET_PDEATHSIG = 1


class Supervisor:
    """One supervisord and its programs, for one home."""

    def __init__(self, home: Home, programs: list[Program], base: Path) -> None:
        self._home, self._programs, self._base = home, programs, base
        self._process: subprocess.Popen[bytes] | None = None
        self._session: Session | None = None
        self._pids: dict[str, int] = {}
        self._revived_at = 0.0

    @property
    def _output(self) -> Path:
        """What supervisord says before it has read its configuration; its log is beside it."""
        return self._home.logs / "supervisord.out"

    def start(self, environment: dict[str, str]) -> None:
        """Start supervisord alone, and wait until it takes orders."""
        configuration = self._home.root / "supervisord.conf"
        configuration.write_text(self.configuration())
        socket_of(self._home).unlink(missing_ok=True)
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)],
                env=environment,
                cwd=self._base,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._session = Session.of(self._process.pid)
        self._session.write(mark(self._home))
        while not socket_of(self._home).exists():
            if self._process.poll() is not None:
                complaint = self._output.read_text(errors="replace").strip()[-500:]
                raise CannotStart(f"supervisord ended at once: {complaint}")
            time.sleep(0.05)

    def run(self, *names: str) -> None:
        """Start these programs, without waiting for them."""
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault), orders(self._home) as supervisord:
                # A fault says that it runs already.
                supervisord.startProcess(f"{self._group(name)}:{name}", False)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look_after(self) -> None:
        """Give up on no program, and end what a killed program has left of itself."""
        try:
            self._look_after(reports(self._home))
        except (OSError, HTTPException, xmlrpc.client.Error):
            return  # supervisord is on its way out; `is_alive` says when it is gone

    def _look_after(self, found: list[dict[str, Any]]) -> None:
        for info in found:
            lost = self._pids.get(info["name"], 0)
            if lost and lost != info["pid"] and self._session:
                self._session.kill_group(lost)
            self._pids[info["name"]] = info["pid"]
        given_up = [info["name"] for info in found if info["statename"] == FATAL]
        if given_up and time.monotonic() - self._revived_at > REVIVE_EVERY_S:
            self._revived_at = time.monotonic()
            self.run(*given_up)

    def stop(self) -> None:
        """Stop everything in reverse order; what does not stop in time is killed."""
        if self._process is None or self._session is None:
            return
        self._session.end(STOP_TIMEOUT_S)
        self._process.wait()
        mark(self._home).unlink(missing_ok=True)

    def _group(self, name: str) -> str:
        return _stage_name(next(each.stage for each in self._programs if each.name == name))

    def configuration(self) -> str:
        logs, sockets = self._home.logs, self._home.sockets
        sections = [
            _section(
                "supervisord",
                nodaemon="true",
                user=getpass.getuser() if os.geteuid() == 0 else None,
                logfile=logs / "supervisord.log",
                logfile_maxbytes="10MB",
                logfile_backups="3",
                silent="true",
                pidfile=sockets / "supervisord.pid",
                childlogdir=logs,
            ),
            _section("unix_http_server", file=socket_of(self._home), chmod="0700"),
            _section("rpcinterface:supervisor", **{"supervisor.rpcinterface_factory": ORDERS}),
            *(self._program(each) for each in self._programs),
            *(self._stage(stage) for stage in sorted({each.stage for each in self._programs})),
        ]
        return "\n".join(sections)

    def _program(self, program: Program) -> str:
        environment = ",".join(f'{key}="{value}"' for key, value in program.environment.items())
        return _section(
            f"program:{program.name}",
            command=shlex.join(program.command),
            directory=self._base,
            environment=environment or None,
            autostart="false",
            autorestart="true",
            startsecs="2",
            startretries=str(QUICK_RETRIES),
            stopsignal=program.stop_signal,
            stopwaitsecs=str(program.stop_timeout_s),
            killasgroup="true",
            redirect_stderr="true",
            stdout_logfile=self._home.logs / f"{program.name}.log",
            stdout_logfile_maxbytes="10MB",
            stdout_logfile_backups="3",
        )

    def _stage(self, stage: int) -> str:
        """The programs of a stage stop at the same time; the stages, one after the other."""
        names = ",".join(each.name for each in self._programs if each.stage == stage)
        return _section(f"group:{_stage_name(stage)}", programs=names, priority=str(stage))


def _stage_name(stage: int) -> str:
    return f"stage{stage}"


def _section(title: str, **entries: Any) -> str:
    """supervisord expands `%` and knows no other escape in its values."""
    lines = [
        f"{key} = {str(value).replace('%', '%%')}"
        for key, value in entries.items()
        if value is not None
    ]
    return "\n".join([f"[{title}]", *lines, ""])


def socket_of(home: Home) -> Path:
    return home.sockets / "supervisor.sock"


@contextlib.contextmanager
def orders(home: Home) -> Iterator[Any]:
    """supervisord's own calls, over a connection of their own."""
    transport = SupervisorTransport(None, None, f"unix://{socket_of(home)}")
    with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
        yield server.supervisor


def reports(home: Home) -> list[dict[str, Any]]:
    """What supervisord knows of every program: `name`, `pid` (0 when down), `statename`, …"""
    with orders(home) as supervisord:
        found: list[dict[str, Any]] = supervisord.getAllProcessInfo()
    return found


def mark(home: Home) -> Path:
    """Where the session of the running supervisor is written down."""
    return home.sockets / "session"


def end_last_session(home: Home) -> None:
    """End what a killed run has left behind."""
    if session := Session.read(mark(home)):
        session.end(STOP_TIMEOUT_S)


def clear(home: Home) -> None:
    """Remove the sockets and marks of processes that have ended. Nothing may be running."""
    for left in home.sockets.iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def _end_with_parent() -> None:
    """On Linux supervisord gets SIGTERM when `manage.py run` is killed; elsewhere the next start
    ends it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
