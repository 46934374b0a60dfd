"""What each process of `test_parallel` runs: `torchrun … parallel_run.py FOLDER`."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

from learning.errors import CheckpointInvalid
from learning.policy import parallel
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind, Weights
from tests.learning import tiny

CROSS_ENTROPY = Loss(LossKind.CROSS_ENTROPY)
# Three prompts for two ranks, so that their shares differ.
DATA = [
    Datum(tiny.tokens(5, n // 2), tiny.tokens(3 + n, 50 + n), (1.0,) * (3 + n)) for n in range(6)
]


def train(trainer: LocalTrainer, folder: Path) -> dict[str, object]:
    """Three steps, the second with data for one rank alone."""
    trainer.create(Lora(rank=4, alpha=8))
    norms, outputs = [], []
    for data in (DATA, DATA[:1], DATA):
        outputs.append(trainer.forward_backward(data, CROSS_ENTROPY))
        norms.append(trainer.optim_step(Adam(0.01)))
    trainer.save_state(folder)
    return {
        "norms": norms,
        "losses": [output.loss for output in outputs],
        "logprobs": trainer.logprobs(DATA, Weights.POLICY),
        "reference": trainer.logprobs(DATA, Weights.REFERENCE),
    }


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    if parallel.join() != parallel.LEADER:
        parallel.follow(LocalTrainer(tiny.model()))
        return
    trainer = parallel.make_trainer(tiny.model())
    found = train(trainer, folder / "together")
    trainer.unload()
    try:
        trainer.create_from(folder / "nowhere")
    except CheckpointInvalid as error:
        found["refusal"] = str(error)
    (folder / "found.json").write_text(json.dumps(found))
    parallel.dismiss()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
