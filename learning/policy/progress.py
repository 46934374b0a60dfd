"""What a training run did so far, written beside each step's adapter, so that it can go on.

A step's folder holds adapter, optimizer's moments and these notes, and appears by one rename: there
is no step without its notes. Notes made with another configuration are passed over.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from learning.config import UpdateConfig
from learning.policy.lora import NOTES_FILE
from learning.policy.trainer import SavedState, Trainer

FINAL = "final"
STEP = "step-"
# The step before the newest is kept as well, to go back to if the newest left the KL budget.
KEPT = 2


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did.

    `kl` is half the mean squared change of log-probability from the parent; `bank_kl` the KL per
    token on the bank's samples as the gates measure it, and `bank_kl_weight` what it was weighed
    with; `anchor_change` half the mean squared change from the base on its own answers to anchors;
    `mismatch` the mean absolute difference between engine and trainer on the same weights.
    `sentence` says why the training ended before its last step; such a step moved no weights.
    """

    step: int
    steps: int
    reward: float
    reward_spread: float
    tokens: int
    mean_tokens: float
    loss: float
    kl: float
    mismatch: float
    gradient_norm: float
    sample_s: float
    reward_s: float
    train_s: float
    bank_kl: float = 0.0
    bank_kl_weight: float = 0.0
    anchor_change: float = 0.0
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """`step` steps are behind the state in `folder`; `numbers` are the loop's own."""

    step: int
    folder: Path
    reports: list[dict[str, Any]]
    numbers: dict[str, float] = field(default_factory=dict)


def newest(folder: Path, config: UpdateConfig) -> Progress | None:
    """The newest whole step below `folder` that was made with this very configuration."""
    found = [_read(each, config) for each in folder.glob(f"{STEP}*")]
    return max(
        (each for each in found if each is not None), key=lambda each: each.step, default=None
    )


def save_step(
    trainer: Trainer,
    folder: Path,
    config: UpdateConfig,
    reports: Sequence[StepReport],
    earlier: Sequence[dict[str, Any]],
    numbers: dict[str, float],
) -> SavedState:
    """Save the state after the last of these reports' steps, and remove those long past."""
    step = reports[-1].step
    notes = {
        "step": step,
        "config": config.model_dump(mode="json"),
        "reports": [*earlier, *map(asdict, reports)],
        "numbers": numbers,
    }
    state = trainer.save_state(folder / f"{STEP}{step}", json.dumps(notes))
    shutil.rmtree(folder / f"{STEP}{step - KEPT}", ignore_errors=True)
    return state


def save_final(trainer: Trainer, folder: Path) -> SavedState:
    """Save the finished adapter; one left by a run that died after this very act goes first."""
    shutil.rmtree(folder / FINAL, ignore_errors=True)
    return trainer.save_state(folder / FINAL)


def _read(folder: Path, config: UpdateConfig) -> Progress | None:
    try:
        notes = json.loads((folder / NOTES_FILE).read_text())
        if notes["config"] != config.model_dump(mode="json"):
            return None
        return Progress(int(notes["step"]), folder, notes["reports"], notes["numbers"])
    except (OSError, ValueError, KeyError):
        return None
