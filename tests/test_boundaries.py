"""What may be imported, seen in a running interpreter; `make check` looks into the sources."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from learning import queue

TASK = re.compile(r"learning\.(reward|memory|policy)\.\w+")
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


REGISTERED = """
import json
from assistant.celery import app
app.loader.import_default_modules()
import learning.worker.tasks
print(json.dumps(list(app.tasks)))
"""


def said_by(source: str, *arguments: str) -> set[str]:
    """What a fresh interpreter that runs this prints last, a JSON list."""
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "assistant.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module", ["assistant.asgi", "assistant.management.commands.generationworker"]
)
def test_a_process_of_the_website_has_no_gpu_library(module):
    loaded = {name.partition(".")[0] for name in said_by(LOADED, module)}

    assert "django" in loaded
    assert loaded & GPU_LIBRARIES == set()


def test_every_task_that_is_asked_for_by_name_exists():
    asked_for = {
        value for value in vars(queue).values() if isinstance(value, str) and TASK.fullmatch(value)
    }
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    registered = said_by(REGISTERED)

    assert len(asked_for) >= 7
    assert asked_for | scheduled <= registered
