"""Settings that were not set are the model's."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
from assistant import settings
print(settings.WINDOW_TOKENS, settings.ANSWER_TOKENS, settings.TEMPERATURE, settings.TOP_P)
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "8192 2048 0.7 0.8"),
        ({"DANAS_TEMPERATURE": "0", "DANAS_ANSWER_TOKENS": "300"}, "8192 300 0.0 0.8"),
        ({"DANAS_PROFILE": "smollm2"}, "2048 512 0.2 0.9"),
    ],
)
def test_what_was_not_set_is_as_the_model_s_profile_advises(tmp_path, given, expected):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen3"}))
    (tmp_path / "chat_template.jinja").write_text("{{ tools }}")
    environment = {**os.environ, "DANAS_MODEL": str(tmp_path), **given}

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == expected
