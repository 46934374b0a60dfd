"""`manage.py train_memory`: make the probe that decides what is remembered, for this base model."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand
from jaxtyping import Float
from numpy import ndarray
from transformers import PreTrainedModel

from inference.tokenizer import ChatTokenizer
from learning.memory import probe, shipped
from learning.memory.dialogues import dialogue
from learning.memory.lessons import blocks_of, lessons
from learning.policy import backbone

HELD_OUT_SEEDS = range(900, 902)
FIRST_SEED = 1000
Features = Float[ndarray, "sentence feature"]


class Command(BaseCommand):
    help = (
        "Fit the probe that decides what is remembered, on dialogues of our own making, for the"
        " base model of DANAS_MODEL. Danas comes with one for its embedded model."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dialogues", type=int, default=24, help="to learn from (24)")
        parser.add_argument("--out", type=Path, help="the file; by default Danas's own")

    def handle(self, *_: Any, dialogues: int, out: Path | None, **__: Any) -> None:
        started = time.monotonic()
        folder = settings.MODEL_PATH
        base, tokenizer = backbone.load(folder), ChatTokenizer.from_folder(folder)
        features, needed = self._read(range(FIRST_SEED, FIRST_SEED + dialogues), base, tokenizer)
        made = probe.Probe.fit(features, needed)
        path = out or shipped.file_of(folder, settings.HOME.root / "reward")
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
        unseen, asked = self._read(HELD_OUT_SEEDS, base, tokenizer)
        area = _area_under_curve(made.log_odds(unseen), asked > 0)
        self.stdout.write(
            f"{len(needed):,} sentences, {needed.mean():.0%} of them asked about;"
            f" {time.monotonic() - started:.0f} s. Of other dialogues of our own making, an asked"
            f" sentence is above another with a probability of {area:.3f}.\n"
            f"The probe is in {path}; the reward worker takes it when it starts."
        )

    def _read(
        self, seeds: Iterable[int], base: PreTrainedModel, tokenizer: ChatTokenizer
    ) -> tuple[Features, Float[ndarray, " sentence"]]:
        features, needed = [], []
        for seed in seeds:
            made = dialogue(seed)
            blocks = blocks_of(made, tokenizer)
            given = lessons(made, blocks, tokenizer.encode, plain=True)
            features += [probe.describe(base, lesson.reading, blocks) for lesson in given]
            needed += [each for lesson in given for each in lesson.is_needed]
            self.stdout.write(f"read {made.name}: {len(made.turns)} turns")
        return np.concatenate(features).astype(np.float64), np.array(needed, dtype=np.float64)


def _area_under_curve(scores: Float[ndarray, " sentence"], is_needed: ndarray) -> float:
    """How often a sentence that is asked about scores above one that is not (Mann-Whitney)."""
    ranks = np.argsort(np.argsort(scores)) + 1
    hits, misses = is_needed.sum(), (~is_needed).sum()
    return float((ranks[is_needed].sum() - hits * (hits + 1) / 2) / (hits * misses))
