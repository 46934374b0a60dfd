"""Steps of TRL's GRPOTrainer, measured from outside. Runs in TRL's own environment; see `trl`.

`python trl_step.py JOB.json` writes what was sampled, the gradients and seconds to `job["out"]`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

Seconds = defaultdict[str, list[float]]


class Clock:
    """Seconds of each part of each step."""

    def __init__(self) -> None:
        self.seconds: Seconds = defaultdict(list)

    def wrap(self, owner: Any, name: str, part: str, when: Any = lambda: True) -> None:
        act = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            if not when():
                return act(*args, **kwargs)
            started = time.perf_counter()
            try:
                return act(*args, **kwargs)
            finally:
                self.seconds[part].append(time.perf_counter() - started)

        setattr(owner, name, timed)


class Witness(TrainerCallback):
    """Keeps the first step's samples and gradients."""

    def __init__(self) -> None:
        self.trainer: GRPOTrainer | None = None
        self.gradients: dict[str, torch.Tensor] = {}
        self.samples: list[dict[str, Any]] = []

    def on_pre_optimizer_step(self, *_: Any, **kwargs: Any) -> None:
        if self.gradients:
            return
        self.gradients = {
            name: parameter.grad.float().clone()
            for name, parameter in kwargs["model"].named_parameters()
            if parameter.grad is not None
        }
        batches = self.trainer._buffered_inputs
        self.samples = [row for batch in batches for row in _rows(batch)]


def _rows(batch: dict[str, torch.Tensor]) -> list[dict[str, Any]]:
    return [
        {
            "prompt": batch["prompt_ids"][n][batch["prompt_mask"][n].bool()].tolist(),
            "completion": batch["completion_ids"][n][batch["completion_mask"][n].bool()].tolist(),
            "advantage": float(batch["advantages"][n]),
        }
        for n in range(len(batch["prompt_ids"]))
    ]


def variety(completions: list[str], **_: Any) -> list[float]:
    return [float(len(set(text))) for text in completions]


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(job["threads"])
    base = AutoModelForCausalLM.from_pretrained(job["model"], dtype=getattr(torch, job["dtype"]))
    model = PeftModel.from_pretrained(base, job["adapter"], is_trainable=True)
    samples = len(job["prompts"]) * job["group"]
    config = GRPOConfig(
        output_dir=job["out"],
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=job["micro"],
        gradient_accumulation_steps=samples // job["micro"],
        num_generations=job["group"],
        max_completion_length=job["tokens"],
        # No end mark before the last token: both trainers learn from as many tokens.
        generation_kwargs={"min_new_tokens": job["tokens"]},
        temperature=1.0,
        beta=job["kl_weight"],
        epsilon=0.2,
        epsilon_high=0.28,
        scale_rewards="none",
        loss_type="dapo",
        gradient_checkpointing=False,
        learning_rate=job["learning_rate"],
        lr_scheduler_type="constant",
        optim="adamw_torch",
        weight_decay=0.0,
        max_grad_norm=1.0,
        max_steps=job["steps"],
        seed=0,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        shuffle_dataset=False,
    )
    witness, clock = Witness(), Clock()
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=variety,
        args=config,
        train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in job["prompts"]]),
        processing_class=AutoTokenizer.from_pretrained(job["model"], padding_side="left"),
        callbacks=[witness],
    )
    witness.trainer = trainer
    clock.wrap(trainer, "_generate_single_turn", "generation")
    clock.wrap(
        trainer,
        "_get_per_token_logps_and_entropies",
        "reference",
        lambda: not torch.is_grad_enabled(),
    )
    clock.wrap(trainer, "training_step", "all but optimizer")
    create = trainer.create_optimizer

    def create_timed(*args: Any, **kwargs: Any) -> Any:
        made = create(*args, **kwargs)
        clock.wrap(trainer.optimizer, "step", "optimizer")
        return made

    trainer.create_optimizer = create_timed
    trainer.train()
    out = Path(job["out"])
    torch.save(witness.gradients, out / "gradients.pt")
    (out / "samples.json").write_text(json.dumps(witness.samples))
    (out / "seconds.json").write_text(json.dumps(clock.seconds))


if __name__ == "__main__":
    main()
