"""One RL step against TRL's GRPOTrainer, with equal work on both sides.

The same base and its bytes, the same adapter to start from (no change of zero, so that every
matrix has a gradient), the same prompts, answers and advantages, as many tokens, the same clipped
loss with a KL term against a reference, Adam, the same number of threads. TRL samples; its answers
are what both learn from, and the time it took to generate them is shown apart and left out. Its
gradients are compared with ours before anything is said about speed.

TRL lives in an environment of its own under `.danas/bench`, made on the first run. It sees this
project's torch, transformers and PEFT, so that only the trainers differ.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from learning.config import UpdateConfig
from learning.policy import attention, lora
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind, Weights
from tests.benchmarks.report import ROOT
from tests.inference.conftest import MODEL

CONFIG = UpdateConfig(prompts=8, samples=4, max_new_tokens=32)
HOME = ROOT / ".danas" / "bench" / "trl"
# Only what TRL adds to this project's packages, pinned.
PACKAGES = (
    *("trl==1.16.0", "datasets==5.2.0", "pyarrow==26.0.1", "pandas==3.1.1", "xxhash==4.1.0"),
    *("dill==0.4.1", "multiprocess==0.70.19", "python-dateutil==4.0.0", "six==1.17.0"),
    *("pytz==2026.6", "tzdata==2026.6"),
)
STEPS = 3
# Samples in one of TRL's forward passes; all 32 at once are no faster.
MICRO = 8
LIKE = 0.999
PARTS = ("reference", "forward_and_backward", "optimizer")
Row = dict[str, Any]


def run() -> list[tuple[str, list[Row]]]:
    """Raises AssertionError when the two do not compute the same gradient."""
    disable_progress_bar()
    rows, parts = [], []
    for dtype, steps in (("bfloat16", STEPS), ("float32", 1)):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            theirs = _theirs(folder, dtype, steps)
            ours = _ours(folder, dtype, steps)
            likeness = _likenesses(folder)
        # In bfloat16 both are rounded, and are hardly more alike than each is to the exact one.
        if dtype == "float32":
            assert likeness["danas_to_trl"] > LIKE, f"the gradients differ: {likeness}"
        generation = theirs.pop("generation")
        trl, danas = sum(theirs.values()), sum(ours.values())
        rows.append(
            {
                "base": dtype,
                "threads": torch.get_num_threads(),
                "sampled_tokens": CONFIG.prompts * CONFIG.samples * CONFIG.max_new_tokens,
                "trl_s": round(trl, 2),
                "danas_s": round(danas, 2),
                "times_faster": round(trl / danas, 2),
                "trl_generation_s": round(generation, 2),
                **{name: round(cosine, 5) for name, cosine in likeness.items()},
            }
        )
        parts += [
            {"trainer": name, "base": dtype, **{f"{key}_s": round(v, 2) for key, v in part.items()}}
            for name, part in (("trl", theirs), ("danas", ours))
        ]
    return [
        ("RL step against TRL: seconds a step, without generation", rows),
        ("RL step parts: seconds a step", parts),
    ]


def _theirs(folder: Path, dtype: str, steps: int) -> dict[str, float]:
    """Mean seconds of the parts of TRL's step; samples and gradients are left in the folder."""
    _adapter(folder / "adapter")
    job = {
        "model": str(MODEL),
        "adapter": str(folder / "adapter"),
        "prompts": _prompts(),
        "group": CONFIG.samples,
        "tokens": CONFIG.max_new_tokens,
        "steps": steps,
        "dtype": dtype,
        "threads": torch.get_num_threads(),
        "micro": MICRO,
        "kl_weight": CONFIG.kl_weight,
        "learning_rate": CONFIG.learning_rate,
        "out": str(folder),
    }
    (folder / "job.json").write_text(json.dumps(job))
    script = Path(__file__).with_name("trl_step.py")
    # -P: this folder holds a module named like TRL.
    command = [str(_environment()), "-P", str(script), str(folder / "job.json")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"TRL's step failed:\n{done.stderr[-3000:]}")
    found = json.loads((folder / "seconds.json").read_text())
    each = {name: sum(times) / steps for name, times in found.items()}
    everything, generation = each.pop("all but optimizer"), each["generation"]
    each["forward_and_backward"] = everything - generation - each["reference"]
    return {name: each[name] for name in ("generation", *PARTS)}


def _ours(folder: Path, dtype: str, steps: int) -> dict[str, float]:
    """Mean seconds of the parts of our step on TRL's samples; leaves our gradients, and exact ones
    of the same samples, in the folder."""
    data = _data(folder)
    loss = Loss(LossKind.PPO, kl_weight=CONFIG.kl_weight / sum(len(d.response) for d in data))
    exact = _trainer(folder, dtype, torch.float32)
    exact.forward_backward(_sampled(exact, data), loss)
    torch.save(_gradients(exact.adapted), folder / "exact.pt")
    del exact
    trainer = _trainer(folder, dtype, getattr(torch, dtype))
    data = _sampled(trainer, data)
    seconds = dict.fromkeys(PARTS, 0.0)
    for step in range(steps):
        with _timed(seconds, "reference"):
            reference = trainer.logprobs(data, Weights.REFERENCE)
        known = [
            replace(datum, reference_logprobs=logprobs)
            for datum, logprobs in zip(data, reference, strict=True)
        ]
        with _timed(seconds, "forward_and_backward"):
            trainer.forward_backward(known, loss)
        if step == 0:
            torch.save(_gradients(trainer.adapted), folder / "danas.pt")
        with _timed(seconds, "optimizer"):
            trainer.optim_step(Adam(CONFIG.learning_rate))
    return {name: total / steps for name, total in seconds.items()}


def _trainer(folder: Path, dtype: str, wide: torch.dtype) -> LocalTrainer:
    """On the base as it is in `dtype`, computing in `wide`."""
    base = AutoModelForCausalLM.from_pretrained(MODEL, dtype=getattr(torch, dtype)).to(wide)
    base.eval().requires_grad_(False)
    attention.use(base)
    trainer = LocalTrainer(base)
    trainer.create_from(folder / "adapter")
    return trainer


def _data(folder: Path) -> list[Datum]:
    """What TRL sampled, with its advantages divided by the number of tokens, as its loss is."""
    rows = json.loads((folder / "samples.json").read_text())
    tokens = sum(len(row["completion"]) for row in rows)
    return [
        Datum(
            tuple(row["prompt"]),
            tuple(row["completion"]),
            weights=(row["advantage"] / tokens,) * len(row["completion"]),
        )
        for row in rows
    ]


def _sampled(trainer: LocalTrainer, data: list[Datum]) -> list[Datum]:
    """As if this trainer had sampled them, and held on to itself: TRL corrects for no engine."""
    found = trainer.logprobs(data, Weights.POLICY)
    return [
        replace(datum, sampled_logprobs=logprobs, reference_logprobs=logprobs)
        for datum, logprobs in zip(data, found, strict=True)
    ]


def _likenesses(folder: Path) -> dict[str, float]:
    """Cosines of whole gradients."""
    trl, danas, exact = (
        torch.load(folder / f"{name}.pt") for name in ("gradients", "danas", "exact")
    )
    return {
        "danas_to_trl": _cosine(danas, trl),
        "danas_to_exact": _cosine(danas, exact),
        "trl_to_exact": _cosine(trl, exact),
    }


def _cosine(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys(), "the two train different parameters"
    flat = [torch.cat([g[name].flatten().double() for name in sorted(one)]) for g in (one, other)]
    return float(torch.cosine_similarity(*flat, dim=0))


def _gradients(adapted: PeftModel) -> dict[str, torch.Tensor]:
    return {
        name: each.grad.clone()
        for name, each in adapted.named_parameters()
        if each.grad is not None
    }


def _adapter(folder: Path) -> None:
    """An adapter whose matrices are all other than zero, as after some training."""
    base: PreTrainedModel = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.bfloat16)
    adapted = lora.attach(base, Lora(CONFIG.rank, CONFIG.alpha))
    generator = torch.Generator().manual_seed(1)
    for name, parameter in adapted.named_parameters():
        if ".lora_B." in name:
            parameter.data = 0.01 * torch.randn(parameter.shape, generator=generator)
    lora.write(adapted, folder, {})


def _prompts() -> list[str]:
    """Eight chats of some 60 tokens."""
    subjects = ("bread", "rivers", "taxes", "chess", "sleep", "birds", "maps", "trains")
    return [
        "<|im_start|>system\nYou are Danas, a helpful personal assistant.<|im_end|>\n"
        f"<|im_start|>user\nPlease tell me in a few words what I should know about {subjects[n]}, "
        "and why people have always found it so interesting to talk about.<|im_end|>\n"
        "<|im_start|>assistant\n"
        for n in range(CONFIG.prompts)
    ]


def _environment() -> Path:
    """The interpreter of TRL's environment, made now if there is none."""
    python = HOME / "bin" / "python"
    stamp = HOME / "packages.txt"
    if stamp.exists() and stamp.read_text() == "\n".join(PACKAGES):
        return python
    print("Making an environment for TRL …")
    shutil.rmtree(HOME, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES]
    subprocess.run(install, check=True)
    ours = Path(torch.__file__).parents[1]
    (next(HOME.glob("lib/python*/site-packages")) / "danas.pth").write_text(f"{ours}\n")
    stamp.write_text("\n".join(PACKAGES))
    return python


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] += time.perf_counter() - started
