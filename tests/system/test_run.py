"""Starting, watching and stopping the real processes. Runs last: it ends the shared stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.system.stack import ROOT, left_of, wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

COMPONENTS = {"web", "database", "valkey", "generation", "default", "reward", "learner", "beat"}


def test_one_line_says_that_a_chat_can_be_had(stack):
    lines = [line for line in stack.output.splitlines() if "ready" in line]

    assert lines == [f"Danas is ready at {stack.url}"]


def test_health_names_every_component(stack):
    status, components = stack.health()

    assert status == 200
    assert components == dict.fromkeys(COMPONENTS | {"engine"}, "ok")


def test_secrets_are_for_their_owner_alone(stack):
    modes = {path.name: path.stat().st_mode & 0o777 for path in (stack.home / "secrets").iterdir()}

    assert modes == {"django": 0o600, "engine": 0o600}


def test_a_second_run_on_the_same_home_says_who_holds_it(stack):
    second = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"already runs on DANAS_HOME={stack.home}" in second.stderr
    assert stack.is_healthy()


def test_killed_workers_come_back(stack):
    names = ("web", "generation", "default", "reward", "learner", "beat")

    before = stack.kill(*names)

    wait_until(lambda: stack.has_restarted(before, *names), 60, "restart of the workers")
    wait_until(stack.is_healthy, 90, "health after the restart")


@pytest.mark.parametrize("store", ["postgres", "valkey"])
def test_a_killed_store_comes_back_and_everyone_finds_it(stack, store):
    before = stack.kill(store)

    wait_until(lambda: stack.has_restarted(before, store), 60, f"restart of {store}")
    wait_until(stack.is_healthy, 90, "health after the restart")


@pytest.mark.slow
def test_health_says_so_while_the_engine_is_gone(stack):
    engine = psutil.Process(stack.pids()["engine"])
    children = engine.children(recursive=True)

    before = stack.kill("engine")
    status, components = stack.health()

    assert (status, components["engine"]) == (503, "does not answer")
    assert components["database"] == "ok"
    wait_until(lambda: stack.has_restarted(before, "engine"), 60, "restart of the engine")
    assert left_of(children) == []
    wait_until(stack.is_healthy, 180, "health after the restart")


@pytest.mark.slow
def test_a_run_that_was_killed_leaves_nothing_that_hinders_the_next(stack):
    descendants = stack.descendants()

    stack.send(signal.SIGKILL)
    stack.process.wait()
    left = left_of(descendants, 40)
    seconds = stack.start()

    assert left == []
    assert stack.is_healthy()
    print(f"a second start took {seconds:.0f} s")  # noqa: T201


def test_a_signal_stops_everything_even_when_it_comes_twice(stack):
    descendants = stack.descendants()

    stack.send(signal.SIGTERM)
    time.sleep(0.5)
    status, seconds = stack.stop(signal.SIGINT)

    assert len(descendants) > len(COMPONENTS)
    assert (status, seconds < 30) == (0, True)
    assert left_of(descendants, 1) == []
    assert os.listdir(stack.home / "run") == []
    assert stack.output.endswith("Danas has stopped.\n")
