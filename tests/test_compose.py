"""docker-compose.yml is valid, whole, and describes the processes that `make run` starts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from assistant import heartbeat
from assistant.home import Home
from assistant.processes.programs import PYTHON, Plan, gpu_worker, programs

FILE = Path(__file__).resolve().parent.parent / "docker-compose.yml"
# They end when they are done, and `make run` does their work itself.
ONCE = {"migrate", "model"}
# A process on a GPU is a service of its own, chosen by profile.
ON_GPU = {"engine-nvidia", "reward-nvidia", "learner-nvidia", "rollout-nvidia"}
# One machine needs neither: its adapters lie in a folder, and its learner does an update's work.
FOR_MANY_MACHINES = {"storage", "rollout"}
# ${NAME:-default} and ${NAME:?what to do}
VARIABLE = re.compile(r"\$\{\w+:([-?])([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as compose sees it when only what has no default is given."""
    text = VARIABLE.sub(lambda found: found[2] if found[1] == "-" else "given", FILE.read_text())
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def services(compose) -> dict[str, dict[str, Any]]:
    return compose["services"]


@pytest.fixture
def embedded(monkeypatch):
    monkeypatch.setattr("assistant.processes.postgres.unprivileged", lambda: ())
    plan = Plan(
        home=Home(Path("/data")),
        host="0.0.0.0",
        port=8000,
        model=Path("/data/models/base"),
        engine_port=8001,
        runs_postgres=True,
        runs_valkey=True,
        runs_engine=True,
    )
    return {program.name: program for program in programs(plan)}


def plainly(command: list[str]) -> list[str]:
    """Without the interpreter's path, and without what only matters on a shared machine."""
    words = ["python" if word == PYTHON else word for word in command]
    return words[words.index("python") :] if "python" in words else words


def test_the_file_follows_the_compose_specification(compose):
    # The specification's own keys; anchors have done their work by now.
    known = {key: value for key, value in compose.items() if not key.startswith("x-")}

    checked = PyCompose.from_yaml(yaml.safe_dump(known))

    assert set(checked.service_names()) == set(compose["services"])


def test_the_services_are_the_embedded_processes(services, embedded):
    assert set(services) - ONCE - ON_GPU - FOR_MANY_MACHINES == set(embedded)


def test_the_services_run_what_the_embedded_processes_run(services, embedded):
    own = {"postgres", "valkey", "engine"}  # other binaries, or another address

    for name in set(embedded) - own:
        expected = plainly(embedded[name].command)
        assert sorted(services[name]["command"]) == sorted(expected), name
    engine = [word for word in plainly(embedded["engine"].command) if word != "127.0.0.1"]
    assert [word for word in services["engine"]["command"] if word != "0.0.0.0"] == engine


def test_the_worker_that_helps_learners_is_started_as_they_are(services):
    assert services["rollout"]["command"] == plainly(gpu_worker("rollout"))


def test_whoever_needs_the_storage_is_told_where_it_is(services):
    where = services["web"]["environment"]["DANAS_STORAGE_OPTIONS"]
    options = json.loads(where)

    assert options["secret"] == services["storage"]["environment"]["AWS_SECRET_ACCESS_KEY"]
    assert options["key"] == services["storage"]["environment"]["AWS_ACCESS_KEY_ID"]
    for name in ("engine", "learner", "reward", "rollout", "generation"):
        assert services[name]["environment"]["DANAS_STORAGE_OPTIONS"] == where, name


def test_a_service_on_a_gpu_differs_in_image_and_device_alone(services):
    for name in ON_GPU:
        on_cpu = services[name.removesuffix("-nvidia")]

        differing = {key for key in services[name] if services[name][key] != on_cpu.get(key)}

        assert differing == {"image", "build", "deploy", "profiles"}


def test_every_reference_is_defined(compose, services):
    for name, service in services.items():
        networks = service["networks"]
        mounts = {mount.partition(":")[0] for mount in service.get("volumes", [])}
        assert set(networks) <= set(compose["networks"]), name
        assert mounts <= set(compose["volumes"]), name
        assert set(service.get("depends_on", {})) <= set(services), name


def test_every_condition_can_come_true(services):
    for name, service in services.items():
        for other, wanted in service.get("depends_on", {}).items():
            condition = wanted["condition"]
            if condition == "service_healthy":
                assert "healthcheck" in services[other], (name, other)
            if condition == "service_completed_successfully":
                assert other in ONCE
                assert "restart" not in services[other], (name, other)
            # A service of a profile that is not chosen would stop the start.
            assert "profiles" not in services[other], (name, other)


def test_every_lasting_service_has_a_health_check_and_comes_back(services):
    for name in set(services) - ONCE:
        assert services[name]["restart"] == "unless-stopped", name
        assert services[name]["healthcheck"]["test"][0] == "CMD", name


def test_every_sign_of_life_that_is_asked_for_is_given(services):
    asked = {
        service["healthcheck"]["test"][-1]
        for service in services.values()
        if "assistant.heartbeat" in service.get("healthcheck", {}).get("test", [])
    }

    # The website does not know how many workers help, so it misses none.
    assert asked == {*heartbeat.COMPONENTS, "rollout"}


def test_only_the_website_can_be_reached(compose, services):
    published = {name for name, service in services.items() if "ports" in service}
    open_networks = {name for name, network in compose["networks"].items() if not network}
    reachable = {name for name, each in services.items() if open_networks & set(each["networks"])}

    assert published == {"web"}
    assert reachable == {"web", "model"}


def test_every_image_target_is_a_stage_of_the_dockerfile(services):
    stages = {
        line.split()[-1]
        for line in (FILE.parent / "Dockerfile").read_text().splitlines()
        if line.startswith("FROM ")
    }
    targets = {each["build"]["target"] for each in services.values() if "build" in each}

    assert targets <= stages
    for service in services.values():
        assert "build" in service or ":" in service["image"]
