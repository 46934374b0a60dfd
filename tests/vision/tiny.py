"""A tiny Qwen3-VL that sees: trained on the spot on drawings, and kept for the next time.

`python -m tests.vision.tiny --target DIR` makes its folder; `DANAS_MODEL=DIR make run` serves it.

It is trained from nothing on questions about drawn shapes, and then answers nearly all of them
about drawings that it never saw.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import Qwen3VLForConditionalGeneration, Qwen3VLProcessor

from tests.vision import dialogues, qwen
from tests.vision.dialogues import Dialogue

STEPS, BATCH = 1400, 24
LEARNING_RATE, WARM_UP = 2e-3, 40
SIZE = (96, 96)
UNSEEN_SHARE = 0.15
IGNORED = -100
HERE = Path(__file__).parent
KEPT = Path(".danas") / "models"


def folder(root: Path = KEPT) -> Path:
    """The folder of the trained model, made where it is not there yet."""
    recipe = b"".join(sorted(path.read_bytes() for path in HERE.glob("*.py")))
    target = root / f"tiny-qwen3-vl-{hashlib.sha256(recipe).hexdigest()[:12]}"
    if not (target / "config.json").exists():
        make(target)
    return target


def make(target: Path, steps: int = STEPS) -> None:
    """Train one and save it, whole or not at all."""
    model = train(steps)
    unfinished = target.with_name(f".{target.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    qwen.save(model, unfinished)
    unfinished.rename(target)


def train(steps: int = STEPS) -> Qwen3VLForConditionalGeneration:
    chance = random.Random(0)
    model, processor = qwen.model(), qwen.processor()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=WARM_UP / max(steps, WARM_UP + 1)
    )
    for _ in range(steps):
        batch = _batch([_said(chance) for _ in range(BATCH)], processor)
        loss = model(**batch.inputs, labels=batch.labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


def _said(chance: random.Random) -> Dialogue:
    if chance.random() < UNSEEN_SHARE:
        return dialogues.unseen(chance)
    return dialogues.drawn(chance, SIZE)


@dataclass(frozen=True, slots=True)
class _Batch:
    inputs: dict[str, Tensor]
    labels: Tensor


def _batch(said: Sequence[Dialogue], processor: Qwen3VLProcessor) -> _Batch:
    """Padded to one width; what the assistant says is what is learned."""
    texts = [processor.apply_chat_template(each.messages(), tokenize=False) for each in said]
    images = [each.image for each in said if each.image is not None]
    inputs = dict(processor(text=texts, images=images or None, padding=True, return_tensors="pt"))
    labels = torch.full_like(inputs["input_ids"], IGNORED)
    for row, ids in enumerate(inputs["input_ids"].tolist()):
        for start, end in _answers(ids, processor):
            labels[row, start:end] = inputs["input_ids"][row, start:end]
    return _Batch(inputs, labels)


def _answers(ids: Sequence[int], processor: Qwen3VLProcessor) -> Iterator[tuple[int, int]]:
    """Where the assistant speaks, its end mark included."""
    opening = processor.tokenizer.encode("<|im_start|>assistant\n", add_special_tokens=False)
    end = qwen.MARKS.index(qwen.TURN_END)
    for place in range(len(ids) - len(opening)):
        if list(ids[place : place + len(opening)]) == opening:
            start = place + len(opening)
            yield start, ids.index(end, start) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the folder of a tiny model that sees.")
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    make(arguments.target, arguments.steps)


if __name__ == "__main__":
    main()
