"""`manage.py train_memory`: make what decides what is remembered, for this base model."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from transformers import PreTrainedModel

from inference.diffusion.window import Block
from inference.tokenizer import ChatTokenizer
from learning.memory import markers, probe, shipped
from learning.memory.dialogue import Dialogue
from learning.memory.dialogues import dialogue
from learning.memory.held_out import HELD_OUT, area_under_curve, described
from learning.memory.lessons import Lesson, blocks_of, lessons
from learning.policy import backbone, lora
from learning.policy.trainer import Lora

FIRST_SEED = 1000
RANK = 8


class Command(BaseCommand):
    help = (
        "Fit the probe that decides what is remembered, on dialogues of our own making, for the"
        " base model of DANAS_MODEL. Danas comes with one for its embedded model."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dialogues", type=int, default=24, help="to learn from (24)")
        parser.add_argument(
            "--form",
            choices=("probe", "adapter"),
            default="probe",
            help="adapter: train one that answers at marks instead, for comparison",
        )
        parser.add_argument("--out", type=Path, help="where to; by default Danas's own file")

    def handle(self, *_: Any, dialogues: int, form: str, out: Path | None, **__: Any) -> None:
        started = time.monotonic()
        folder = settings.MODEL_PATH
        base, tokenizer = backbone.load(folder), ChatTokenizer.from_folder(folder)
        seeds = range(FIRST_SEED, FIRST_SEED + dialogues)
        if form == "probe":
            path = out or shipped.file_of(folder, settings.HOME.root / "reward")
            area = self._probe(base, tokenizer, seeds, path)
            what = f"The probe is in {path}; the reward worker takes it when it starts."
        elif out is None or out.exists():
            raise CommandError("Name a folder for the adapter that is not there yet: --out FOLDER")
        else:
            area = self._adapter(base, tokenizer, seeds, out)
            what = f"The adapter is in {out}."
        self.stdout.write(
            f"{what} It took {time.monotonic() - started:.0f} s. In other dialogues of our own"
            f" making, an asked sentence is above another with a probability of {area:.3f}."
        )

    def _probe(
        self, base: PreTrainedModel, tokenizer: ChatTokenizer, seeds: range, path: Path
    ) -> float:
        read = [described(made, base, tokenizer) for made in self._dialogues(seeds)]
        made = probe.Probe.fit(
            np.concatenate([part.features for part in read]).astype(np.float64),
            np.concatenate([part.is_needed for part in read]),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
        return self._area(
            tokenizer,
            lambda blocks, unread: probe.read(made, base, blocks, unread, tokenizer.encode),
        )

    def _adapter(
        self, base: PreTrainedModel, tokenizer: ChatTokenizer, seeds: range, folder: Path
    ) -> float:
        adapted = lora.attach(base, Lora(rank=RANK, alpha=2 * RANK))
        given = [each for _, some in self._lessons(tokenizer, seeds, plain=False) for each in some]
        markers.train(adapted, given, tokenizer.encode, progress=self._say)
        lora.write(adapted, folder, {})
        return self._area(
            tokenizer,
            lambda blocks, unread: markers.read(adapted, blocks, unread, tokenizer.encode),
        )

    def _say(self, step: int, steps: int, loss: float) -> None:
        self.stdout.write(f"step {step + 1} of {steps}: {loss:.3f} nats a mark")

    def _lessons(
        self, tokenizer: ChatTokenizer, seeds: range, *, plain: bool
    ) -> Iterator[tuple[tuple[Block, ...], list[Lesson]]]:
        for made in self._dialogues(seeds):
            blocks = blocks_of(made, tokenizer)
            yield blocks, lessons(made, blocks, tokenizer.encode, plain=plain)

    def _dialogues(self, seeds: range) -> Iterator[Dialogue]:
        for seed in seeds:
            made = dialogue(seed)
            yield made
            self.stdout.write(f"{made.name}: {len(made.turns)} turns")

    def _area(self, tokenizer: ChatTokenizer, read: markers.Read) -> float:
        """How often, in held-out dialogues, what is asked about is read as likelier."""
        scores: list[float] = []
        needed: list[bool] = []
        for blocks, given in self._lessons(tokenizer, HELD_OUT, plain=True):
            needs = read(blocks, {block.id for block in blocks})
            for lesson in given:
                scores += [needs[block][number] for block, number in lesson.reading.asked]
                needed += lesson.is_needed
        return area_under_curve(np.array(scores), np.array(needed))
