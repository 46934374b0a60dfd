"""Supervision, with small programs in place of the real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from assistant.home import Home
from assistant.processes import supervise
from assistant.processes.programs import Program
from assistant.processes.session import Session
from assistant.processes.supervise import Supervisor
from tests.system.stack import left_of, wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# Writes its name down when it is asked to stop.
NOTED = """
import signal, sys, time
def note(*_):
    open("order", "a").write(sys.argv[1] + "\\n"); sys.exit()
signal.signal(signal.SIGTERM, note)
open(sys.argv[1] + ".up", "w")
time.sleep(600)
"""
WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child", "w").write(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    for folder in (home.root, home.sockets, home.logs):
        folder.mkdir(exist_ok=True)
    return home


@pytest.fixture
def supervise_these(home, tmp_path):
    started = []

    def start(*programs: Program) -> Supervisor:
        supervisor = Supervisor(home, list(programs), tmp_path)
        supervisor.start(dict(os.environ))
        started.append(supervisor)
        supervisor.run(*(each.name for each in programs))
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def pid_of(home: Home, name: str) -> int:
    return next(info["pid"] for info in supervise.reports(home) if info["name"] == name)


def state_of(home: Home, name: str) -> str:
    return next(info["statename"] for info in supervise.reports(home) if info["name"] == name)


def script(folder: Path, name: str, source: str, stage: int = 10) -> Program:
    path = folder / f"{name}.py"
    path.write_text(source)
    return Program(name=name, command=[sys.executable, str(path), name], stage=stage)


def test_stages_stop_in_reverse_order(supervise_these, tmp_path):
    names = ("store", "worker", "web")
    programs = [script(tmp_path, name, NOTED, stage) for stage, name in enumerate(names)]
    supervisor = supervise_these(*programs)
    wait_until(lambda: all((tmp_path / f"{name}.up").exists() for name in names), 20, "start")

    supervisor.stop()

    assert (tmp_path / "order").read_text().split() == ["web", "worker", "store"]


def test_a_killed_program_comes_back_and_its_orphans_are_ended(supervise_these, home, tmp_path):
    supervisor = supervise_these(script(tmp_path, "engine", WITH_CHILD))
    wait_until((tmp_path / "child").exists, 20, "child")
    supervisor.look_after()
    first = pid_of(home, "engine")
    orphan = psutil.Process(int((tmp_path / "child").read_text()))

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: pid_of(home, "engine") not in {0, first}, 20, "restart")
    supervisor.look_after()

    assert left_of([orphan]) == []


def test_a_program_that_keeps_dying_is_never_given_up(supervise_these, home, monkeypatch, tmp_path):
    monkeypatch.setattr(supervise, "QUICK_RETRIES", 0)
    monkeypatch.setattr(supervise, "REVIVE_EVERY_S", 0.0)
    # Dies until the file is there.
    source = "import os, time; os.path.exists('mended') or os._exit(1); time.sleep(600)"
    supervisor = supervise_these(
        Program(name="web", command=[sys.executable, "-c", source], stage=10)
    )
    wait_until(lambda: state_of(home, "web") == "FATAL", 20, "giving up by supervisord")

    (tmp_path / "mended").touch()
    supervisor.look_after()

    wait_until(lambda: state_of(home, "web") == "RUNNING", 20, "revival")


def test_nothing_is_left_when_supervisord_itself_was_killed(supervise_these, home):
    supervisor = supervise_these(Program(name="web", command=SLEEP, stage=10))
    wait_until(lambda: pid_of(home, "web"), 20, "start")
    program = psutil.Process(pid_of(home, "web"))

    os.kill(Session.read(supervise.mark(home)).leader, signal.SIGKILL)
    wait_until(lambda: not supervisor.is_alive(), 10, "end of supervisord")
    supervisor.stop()

    assert left_of([program]) == []


def test_the_next_start_ends_what_a_killed_run_left(supervise_these, home):
    supervisor = supervise_these(Program(name="web", command=SLEEP, stage=10))
    wait_until(lambda: pid_of(home, "web"), 20, "start")
    program = psutil.Process(pid_of(home, "web"))

    supervise.end_last_session(home)

    assert left_of([program]) == []
    assert not supervisor.is_alive()


def test_a_stranger_with_the_number_of_a_lost_supervisor_is_left_alone(tmp_path: Path):
    stranger = subprocess.Popen(SLEEP, start_new_session=True)
    # The same process number, written down an hour before the stranger came.
    mark = tmp_path / "session"
    Session(stranger.pid, psutil.Process(stranger.pid).create_time() - 3600).write(mark)

    session = Session.read(mark)
    if session is not None:
        session.end(timeout_s=1)
    time.sleep(0.2)

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_percent_sign_reaches_the_program(supervise_these, home):
    command = [
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1], flush=True)",
        "reward@%h 100 %",
    ]
    supervise_these(Program(name="reward", command=command, stage=10))

    log = home.logs / "reward.log"
    wait_until(lambda: log.exists() and "reward@%h 100 %" in log.read_text(), 20, "output")
