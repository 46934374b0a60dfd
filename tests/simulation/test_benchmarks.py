import subprocess
import sys

import pytest

from tests.benchmarks.__main__ import SIMULATED, WITHOUT_A_STACK
from tests.benchmarks.attack import share_of_effect
from tests.benchmarks.overoptimisation import end_to_peak
from tests.benchmarks.preference import WAYS, tables
from tests.benchmarks.simulated import Settings
from tests.simulation.journal import Journal


def measured(*met: float) -> dict:
    return {"met": list(met), "score": list(met), "words": 10.0}


def test_the_end_is_compared_with_the_highest_point():
    assert end_to_peak([0.0, 0.5, 0.8, 0.6]) == 0.75
    assert end_to_peak([0.0, 0.0]) == 1.0


def test_an_attack_is_compared_with_the_same_one_without_caps():
    # Without caps the margin falls by 2, with them by 0.5.
    assert share_of_effect(3.0, 2.5, 1.0) == 0.25


def test_ways_are_compared_over_the_runs_that_are_done():
    settings = Settings(seeds=3)
    journal = Journal(None)
    for seed in range(2):
        ways = dict.fromkeys(WAYS, measured(0, 0, 0, 1)) | {"rloo": measured(1, 0, 1, 1)}
        run = {
            "wish": "short",
            "ways": ways,
            "curve": [0.25, 0.75],
            "reward auc": [0.8],
            "updates": ["live"],
        }
        journal.note(f"length {seed}", run)

    (_, runs), (_, overall) = tables(settings, journal)

    assert [(row["seed"], row["base"], row["rloo"]) for row in runs] == [
        (0, 0.25, 0.75),
        (1, 0.25, 0.75),
    ]
    by_way = {row["way"]: row for row in overall}
    assert by_way["rloo"]["met"] == 0.75
    assert by_way["rloo"]["over base"].startswith("+0.500 [")
    assert by_way["rloo"]["rloo over it"] == "+0.000 [+0.000, +0.000]"


def test_the_families_take_turns():
    settings = Settings(seeds=3, families=("length", "list"))

    assert settings.runs == [("length", 0), ("list", 1), ("length", 2)]
    assert not settings.is_over
    assert Settings(minutes=-1.0).is_over


@pytest.mark.slow
def test_every_benchmark_begins_without_django_set_up():
    names = sorted({*WITHOUT_A_STACK, *SIMULATED})
    code = "\n".join(f"import tests.benchmarks.{name}" for name in names)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
