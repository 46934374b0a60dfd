"""Who may import whom, looked at from outside: in the sources, and in a running interpreter."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GPU_LIBRARIES = {"torch", "transformers", "peft", "vllm"}
# The linter reads sources, and can't see what Django imports because a setting names it.
LOADED = """
import importlib, json, sys
import django
django.setup()
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.modules]))
"""


def loaded_by(module: str) -> set[str]:
    """The top-level packages in a fresh interpreter that has imported this module."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, module],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_imports_follow_the_contracts():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module", ["assistant.asgi", "assistant.management.commands.generationworker"]
)
def test_a_process_of_the_website_has_no_gpu_library(module):
    loaded = loaded_by(module)

    assert "django" in loaded
    assert loaded & GPU_LIBRARIES == set()


def test_every_task_that_is_asked_for_by_name_exists():
    queue = importlib.import_module("learning.queue")
    names = {
        value
        for value in vars(queue).values()
        if isinstance(value, str) and value.startswith(("learning.reward.", "learning.policy."))
    }

    from assistant.celery import app

    importlib.import_module("learning.worker.tasks")
    assert names
    assert names <= set(app.tasks)


def test_every_scheduled_task_exists():
    from django.conf import settings

    from assistant.celery import app

    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)
