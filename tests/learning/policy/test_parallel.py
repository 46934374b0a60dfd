import json
import os
import subprocess
import sys

import pytest
import torch

from learning.policy import lora, parallel
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Datum
from tests.inference.conftest import REPOSITORY

from .. import tiny
from . import parallel_run


@pytest.mark.slow
def test_two_processes_make_the_adapter_that_one_makes(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = [parallel_run.__file__, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    together = json.loads((tmp_path / "found.json").read_text())

    alone = parallel_run.train(LocalTrainer(tiny.model()), tmp_path / "alone")

    for name in ("norms", "losses"):
        assert together[name] == pytest.approx(alone[name], rel=1e-3)
    for name in ("logprobs", "reference"):
        for one, other in zip(together[name], alone[name], strict=True):
            assert one == pytest.approx(list(other), abs=1e-3)
    one, other = (lora.read(tmp_path / name)[1] for name in ("together", "alone"))
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=1e-3)
    assert "not a whole adapter" in together["refusal"]


def test_replies_to_one_prompt_go_to_one_rank_and_the_load_is_even():
    data = [Datum((prompt,), (0,) * size) for prompt, size in [(1, 9), (2, 5), (1, 3), (3, 6)]]

    # Prompt 1 has 13 tokens, 3 has 7 and 2 has 6.
    assert parallel.deal(data, 2) == [[0, 2], [3, 1]]


def test_without_a_group_there_is_nobody_to_lead():
    assert type(parallel.make_trainer(tiny.model())) is LocalTrainer
