"""The command `evaluate_memory`."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from learning.memory import measuring
from tests.learning.memory.test_locomo import SAMPLE, written

# No model is needed for these.
POLICIES = ("diffusion-unread", "sliding", "oracle")
QUICK = ("--policies", *POLICIES, "--counting", "words", "--no-likelihood")


def evaluated(path: Path, *options: str) -> tuple[str, str]:
    """What it says, as result and as progress."""
    out, progress = StringIO(), StringIO()
    call_command("evaluate_memory", str(path), *options, stdout=out, stderr=progress)
    return out.getvalue(), progress.getvalue()


def test_it_prints_tables_and_writes_the_same_figures(tmp_path: Path):
    path, out = written(tmp_path, SAMPLE), tmp_path / "out.json"

    said, progress = evaluated(path, "--budgets", "256", "1024", "--out", str(out), *QUICK)

    document = json.loads(out.read_text())
    assert document["is_complete"]
    assert document["conversations"] == {"conv-1": {"turns": 3, "questions": 2}}
    assert [(row["policy"], row["budget"]) for row in document["rows"]] == [
        (policy, budget) for policy in POLICIES for budget in (256, 1024)
    ]
    # The whole dialogue fits.
    assert all(row["evidence"]["mean"] == 1 for row in document["rows"])
    assert "| sliding | 1.00 | 1.00 |" in said
    assert "| policy | 256 | 1k |" in said
    assert re.search(r"0:00  conv-1 \(1 of 1\): sliding, by words", progress)


def test_a_file_in_another_format_is_refused_in_one_sentence(tmp_path: Path):
    path = tmp_path / "other.json"
    path.write_text("{}")

    with pytest.raises(CommandError, match="a list of conversations is expected") as refused:
        evaluated(path)

    assert refused.value.returncode == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--policies", "sliding", "psychic"], "invalid choice: 'psychic'"),
        (["--budgets", "many"], "'many' is no number of tokens from 256 on"),
        (["--budgets", "12"], "'12' is no number of tokens from 256 on"),
        (["--format", "other"], "invalid choice: 'other'"),
        (["--questions", "-1"], "expected one argument|is no number"),
    ],
)
def test_what_it_cannot_measure_is_said(options: list[str], sentence: str, tmp_path: Path):
    with pytest.raises(CommandError, match=sentence):
        evaluated(written(tmp_path, SAMPLE), *options)


def test_a_model_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(CommandError, match="There is no model in /nowhere"):
        evaluated(written(tmp_path, SAMPLE), "--model", "/nowhere")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(CommandError, match="No such file"):
        evaluated(tmp_path / "missing.json")


def test_questions_without_evidence_are_nothing_to_measure(tmp_path: Path):
    with pytest.raises(CommandError, match="no conversation has a question"):
        evaluated(written(tmp_path, {**SAMPLE, "qa": []}))


def test_what_was_done_before_an_interruption_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, out = written(tmp_path, SAMPLE), tmp_path / "out.json"
    run = measuring.run

    def interrupted(policy: str, *rest: Any) -> Any:
        if policy == "oracle":
            raise KeyboardInterrupt
        return run(policy, *rest)

    monkeypatch.setattr(measuring, "run", interrupted)

    with pytest.raises(SystemExit) as ended:
        evaluated(path, "--budgets", "256", "--out", str(out), *QUICK)

    document = json.loads(out.read_text())
    assert ended.value.code == 130
    assert not document["is_complete"]
    assert [row["policy"] for row in document["rows"]] == ["diffusion-unread", "sliding"]
