"""Held-out dialogues of our own making as a probe sees them: the yardstick of each
that is learned from use.

Reading them takes a base model some time, so it is done once for each and kept in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from transformers import PreTrainedModel

from inference.tokenizer import ChatTokenizer
from learning.memory.dialogue import Dialogue
from learning.memory.dialogues import dialogue
from learning.memory.lessons import blocks_of, lessons
from learning.memory.probe import Probe, describe
from learning.reward.features import fingerprint

# No probe is fitted to these.
HELD_OUT = range(900, 902)


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """The sentences of dialogues, and of each whether it is asked about: 1 or 0."""

    features: Float[ndarray, "sentence feature"]
    is_needed: Float[ndarray, " sentence"]

    def area(self, probe: Probe) -> float:
        """How often a sentence that is asked about is read as likelier than one that is not."""
        return area_under_curve(probe.log_odds(self.features), self.is_needed > 0)


def described(made: Dialogue, base: PreTrainedModel, tokenizer: ChatTokenizer) -> Described:
    """One dialogue as the base model sees it."""
    blocks = blocks_of(made, tokenizer)
    given = lessons(made, blocks, tokenizer.encode, plain=True)
    needed = [each for lesson in given for each in lesson.is_needed]
    return Described(
        np.concatenate([describe(base, lesson.reading, blocks) for lesson in given]),
        np.array(needed, dtype=np.float64),
    )


def held_out(
    base: PreTrainedModel, tokenizer: ChatTokenizer, folder: Path, cache: Path
) -> Described:
    """The held-out dialogues as the base model in `folder` sees them, kept in `cache`."""
    path = cache / f"held-out-{fingerprint(folder)}.npz"
    if not path.exists():
        read = [described(dialogue(seed), base, tokenizer) for seed in HELD_OUT]
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part.npz")
        np.savez(
            unfinished,
            features=np.concatenate([part.features for part in read]),
            is_needed=np.concatenate([part.is_needed for part in read]),
        )
        unfinished.replace(path)
    with np.load(path) as arrays:
        return Described(arrays["features"].astype(np.float64), arrays["is_needed"])


def area_under_curve(
    scores: Float[ndarray, " sentence"], is_needed: Bool[ndarray, " sentence"]
) -> float:
    """How often a sentence that is asked about scores above one that is not (Mann-Whitney)."""
    ranks = np.argsort(np.argsort(scores)) + 1
    hits, misses = is_needed.sum(), (~is_needed).sum()
    return float((ranks[is_needed].sum() - hits * (hits + 1) / 2) / (hits * misses))
