"""Planted bad adapters against the gates, on the embedded model and a real vLLM.

A reward head learns from judgements by length (short answers are liked), an update trains an
adapter towards it, and what may go wrong with such an adapter is done to it: on the way to the
engine, or to the trainer's weights as well, so that the engine serves exactly what is bad.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from inference.contracts import BASE, Policy, Sampling
from inference.engine import adapters
from inference.errors import AdapterInvalid
from inference.storage import Storage
from learning.config import FEATURE_DIMENSIONS, RewardConfig, UpdateConfig
from learning.errors import CheckpointInvalid
from learning.evaluation import bank
from learning.evaluation.exam import Exam, exam
from learning.evaluation.examine import examine
from learning.evaluation.gates import GateReport
from learning.policy import lora
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind, TokenIds
from learning.policy.update import update
from learning.reward.model import Head, Thumb
from learning.reward.rewarder import Rewarder
from learning.worker.engine import Engine, EngineSampler
from learning.worker.loaded import Workshop
from learning.worker.words import Words
from tests.inference.conftest import MODEL, start_engine

SYSTEM_TEXT = "You are Danas, a helpful personal assistant."
LARGEST_RANK = 32
CONFIG = UpdateConfig()
Row = dict[str, Any]
Change = Callable[[str, torch.Tensor], torch.Tensor]


def run() -> list[tuple[str, list[Row]]]:
    with tempfile.TemporaryDirectory(prefix="danas-gates-") as name, _engine(Path(name)) as engine:
        # A workshop reads the settings, though no tables.
        os.environ.update(
            DJANGO_SETTINGS_MODULE="assistant.settings", DANAS_HOME=name, DANAS_SECRET_KEY="none"
        )
        bench = Bench(engine, Path(name))
        return [
            ("Gates: planted adapters, and what stopped them", bench.rows()),
            ("Gate figures: what was measured on those that were served", bench.figures),
        ]


@contextmanager
def _engine(folder: Path) -> Iterator[Engine]:
    engine = start_engine(MODEL, folder)
    try:
        yield Engine([engine.url], engine.key)
    finally:
        engine.process.send_signal(signal.SIGTERM)
        engine.process.wait(30)


class Bench:
    """One healthy adapter, and the bad ones that are made of it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        cache = Path(os.environ.get("DANAS_BENCH_CACHE", folder / "cache"))
        self.workshop = Workshop(MODEL, cache, SYSTEM_TEXT, CONFIG.steps)
        self.figures: list[Row] = []
        self._prompts = [self.workshop.prompt_ids(item.prompt) for item in bank.load()]
        self.rewarder = self._rewarder()
        self.exam = self._exam()

    def rows(self) -> list[Row]:
        """The healthy adapter first, since the others are made of it."""
        healthy = self._healthy()
        rows = [self._examined("healthy", healthy)]
        for name, change in (("noise", _noise), ("sign flip", _flipped), ("tenfold", _tenfold)):
            bad = self._changed(healthy, name, change)
            rows.append(self._examined(f"{name} on the way to the engine", healthy, served=bad))
            rows.append(self._examined(f"{name}, trained so", bad))
        rows.append(self._examined("stale name", healthy, served=None))
        for name, sign in (("length hack: one word", 1.0), ("length hack: without end", -1.0)):
            rows.append(self._examined(name, self._length_hack(name, sign)))
        rows += [
            self._refused("wrong keys", self._renamed(healthy, "keys", "self_attn", "attention")),
            self._refused(
                "another layer", self._renamed(healthy, "layer", "layers.1.", "layers.99.")
            ),
            self._refused("truncated file", self._truncated(healthy)),
            self._refused("another architecture", self._changed(healthy, "narrow", _narrow)),
        ]
        return rows

    def _rewarder(self) -> Rewarder:
        """A head that has heard which answers are short."""
        sampling = Sampling(1.0, 1.0, max_tokens=48, seed=5)
        asked = self._prompts[:48]
        groups = self.engine.sample(asked, sampling, BASE, 2)
        answers = [(p, s.token_ids) for p, group in zip(asked, groups, strict=True) for s in group]
        median = sorted(len(answer) for _, answer in answers)[len(answers) // 2]
        config = RewardConfig()
        head = Head.prior(FEATURE_DIMENSIONS, config)
        features = self.workshop.extractor(answers)
        for (_, answer), row in zip(answers, features, strict=True):
            head = head.after(Thumb(row, len(answer) < median), config)
        return Rewarder(self.workshop.extractor, head, config, self.workshop.tokenizer.end_ids)

    def _exam(self) -> Exam:
        return exam(Words(self.workshop), self.rewarder, self.workshop.gates, length_wish=-3.0)

    def _healthy(self) -> Path:
        storage = Storage(str(self.folder / "adapters"), self.folder / "fetched")
        sampler = EngineSampler(self.engine, storage, BASE, "bench")
        trainer = LocalTrainer(self.workshop.base, sampler)
        trainer.create(Lora(CONFIG.rank, CONFIG.alpha))
        asked = {own.prompt for own in self.exam.held_out}
        free = [prompt for prompt in self._prompts if prompt not in asked]

        def prompts(step: int) -> list[TokenIds]:
            return [free[(step * CONFIG.prompts + n) % len(free)] for n in range(CONFIG.prompts)]

        rewards: list[float] = []
        try:
            folder = self.folder / "training"
            state = update(
                trainer, prompts, self.rewarder, CONFIG, folder, lambda r: rewards.append(r.reward)
            )
        finally:
            trainer.unload()
            sampler.retire()
        print("reward of each step:", *(f"{reward:.2f}" for reward in rewards))
        return self._kept(state.folder, "healthy")

    def _length_hack(self, name: str, sign: float) -> Path:
        """Ending after two tokens becomes more probable, or ending at all less so."""
        trainer = LocalTrainer(self.workshop.base)
        trainer.create(Lora(CONFIG.rank, CONFIG.alpha))
        items = bank.load()[40:56]
        data = []
        for item in items:
            answer = self.workshop.answer_ids(item.text)
            said = (*answer[:2], answer[-1]) if sign > 0 else answer
            weights = (0.0,) * (len(said) - 1) + (sign / len(items),)
            data.append(Datum(self.workshop.prompt_ids(item.prompt), said, weights))
        for _ in range(6):
            trainer.forward_backward(data, Loss(LossKind.CROSS_ENTROPY))
            trainer.optim_step(Adam(learning_rate=5e-4))
        folder = self.folder / f"hack {sign}"
        trainer.save_state(folder)
        trainer.unload()
        return self._kept(folder, name)

    def _examined(self, name: str, trained: Path, served: Path | str | None = "same") -> Row:
        """`served`: the folder that the engine is given in the place of what was trained."""
        started = time.monotonic()
        folder = trained if served == "same" else served
        # A stale name is one under which the engine still serves what it served before.
        policy = BASE
        if folder is not None:
            name_served = f"planted-{time.monotonic_ns()}"
            policy = Policy(name_served, str(folder), adapters.digest_of(Path(folder)))
            self.engine.load(policy)
        trainer = self._holding(trained)
        try:
            reports = examine(
                trainer,
                self.engine,
                policy=policy,
                parent=BASE,
                weights=lora.read(trained)[1],
                exam=self.exam,
                config=self.workshop.gates,
            )
        finally:
            trainer.unload()
            if policy.path is not None:
                self.engine.unload(policy)
        self._note(name, reports)
        return _row(name, reports, time.monotonic() - started)

    def _note(self, name: str, reports: list[GateReport]) -> None:
        for report in reports:
            mark = " " if report.passed else "x"
            print(f"  {mark} {name}: {report.name}: {report.sentence}", flush=True)
            self.figures += [
                {"adapter": name, "gate": report.name, "figure": key, "value": round(value, 5)}
                for key, value in report.figures.items()
            ]

    def _holding(self, folder: Path) -> LocalTrainer:
        """A trainer whose weights are the folder's, and which has started from the base."""
        trainer = LocalTrainer(self.workshop.base)
        trainer.create(Lora(CONFIG.rank, CONFIG.alpha))
        weights = load_file(folder / lora.WEIGHTS_FILE)
        with torch.no_grad():
            for name, parameter in trainer.adapted.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(weights[name.replace(".default", "")])
        return trainer

    def _refused(self, name: str, folder: Path) -> Row:
        started = time.monotonic()
        try:
            lora.read(folder)
            adapters.check(folder, MODEL, LARGEST_RANK)
        except (AdapterInvalid, CheckpointInvalid) as error:
            print(f"  x {name}: {error}")
            return _row(name, [GateReport("the file's own check", False, str(error))], 0.0)
        return _row(name, [], time.monotonic() - started)

    def _changed(self, folder: Path, name: str, change: Change) -> Path:
        weights = load_file(folder / lora.WEIGHTS_FILE)
        return self._written(
            folder, name, {key: change(key, value).contiguous() for key, value in weights.items()}
        )

    def _renamed(self, folder: Path, name: str, old: str, new: str) -> Path:
        weights = load_file(folder / lora.WEIGHTS_FILE)
        return self._written(
            folder, name, {key.replace(old, new): value for key, value in weights.items()}
        )

    def _truncated(self, folder: Path) -> Path:
        other = self._kept(folder, "truncated")
        content = (other / lora.WEIGHTS_FILE).read_bytes()
        (other / lora.WEIGHTS_FILE).write_bytes(content[: len(content) // 2])
        return other

    def _written(self, folder: Path, name: str, weights: dict[str, torch.Tensor]) -> Path:
        other = self._kept(folder, name)
        save_file(weights, other / lora.WEIGHTS_FILE, metadata={"format": "pt"})
        return other

    def _kept(self, folder: Path, name: str) -> Path:
        other = self.folder / f"adapter {name}".replace(" ", "-").replace(":", "")
        shutil.copytree(folder, other)
        return other


def _row(name: str, reports: list[GateReport], seconds: float) -> Row:
    failed = [report.name for report in reports if not report.passed]
    return {
        "adapter": name,
        "verdict": "stopped" if failed else "passes",
        "by": ", ".join(failed) or "-",
        "seconds": round(seconds, 1),
    }


def _flipped(key: str, value: torch.Tensor) -> torch.Tensor:
    return -value if ".lora_B." in key else value


def _tenfold(key: str, value: torch.Tensor) -> torch.Tensor:
    return 10 * value if ".lora_B." in key else value


def _noise(key: str, value: torch.Tensor) -> torch.Tensor:
    """As large as what was trained, in random directions."""
    seed = torch.Generator().manual_seed(sum(key.encode()))
    if ".lora_B." not in key:
        return value
    return torch.randn(value.shape, generator=seed) * value.square().mean().sqrt()


def _narrow(key: str, value: torch.Tensor) -> torch.Tensor:
    """Layers of half the width, as another model's would be."""
    return value[:, : value.shape[1] // 2] if ".lora_A." in key else value[: value.shape[0] // 2]
