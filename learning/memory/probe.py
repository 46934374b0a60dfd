"""A linear probe of the base model: is what a sentence says going to be asked for?

It sees the states of two layers averaged over the sentence, given what was said before it, and what
`traits` sees. Logistic regression with a strong prior, since it has to carry over from dialogues of
our own making to those of people. The base model is always read with the adapter off, so that no
policy changes what is remembered.

Linear probes of hidden states: Alain and Bengio 2016 (arXiv 1610.01644).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from transformers import PreTrainedModel

from inference.diffusion.marker import Reading, gathered, readings
from inference.diffusion.sentences import sentences
from inference.diffusion.window import ASSISTANT, Block, Encoder
from learning.memory.traits import COUNT, traits
from learning.policy import backbone
from learning.policy.lora import adapter_off

# Where in the model's depth what is meant is best told from how it is said (EXPERIMENTS.md).
DEPTHS = (1 / 2, 2 / 3)
# A trait counts as much as this many standardised states: there are 18 of them among 1,170.
TRAIT_WEIGHT = 2.0
PRIOR_VARIANCE = 5e-5
STEPS = 25
# Of what is said in dialogues of our own making a sixth is asked about; of what people say, less.
PRIOR_SHIFT = -1.5
# What an assistant said it can say again; what a person said is known from nowhere else.
OWN_WORDS_SHIFT = -1.0
MANY_SENTENCES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    weights: Float[ndarray, " feature"]
    bias: float

    @classmethod
    def fit(
        cls, features: Float[ndarray, "sentence feature"], is_needed: Float[ndarray, " sentence"]
    ) -> Probe:
        """Logistic regression by Newton's method, on standardised features.

        Raises:
            ValueError: all sentences are needed, or none.
        """
        if is_needed.min() == is_needed.max():
            raise ValueError("A probe needs sentences of both kinds to learn from.")
        centre, scale = features.mean(0), scale_of(features)
        inputs = np.c_[(features - centre) / scale, np.ones(len(features))]
        pull = np.full(inputs.shape[1], 1 / PRIOR_VARIANCE)
        pull[-1] = 1e-9
        weights = np.zeros(inputs.shape[1])
        for _ in range(STEPS):
            chance = 1 / (1 + np.exp(-inputs @ weights))
            slope = inputs.T @ (chance - is_needed) + pull * weights
            curve = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + np.diag(pull)
            step = np.linalg.solve(curve, slope)
            weights -= step
            if np.abs(step).max() < 1e-8:
                break
        folded = weights[:-1] / scale
        return cls(folded.astype(np.float32), float(weights[-1] - centre @ folded))

    def log_odds(self, features: Float[ndarray, "sentence feature"]) -> Float[ndarray, " sentence"]:
        """That what a person's sentences say will be asked for.

        Raises:
            ValueError: these are features of another model.
        """
        if features.shape[1] != len(self.weights):
            raise ValueError(
                f"{features.shape[1]} features, where the probe has {len(self.weights)}"
            )
        read: ndarray = features @ self.weights + self.bias + PRIOR_SHIFT
        return read

    def save(self, path: Path) -> None:
        np.savez(path, weights=self.weights, bias=np.float64(self.bias))

    @classmethod
    def load(cls, path: Path) -> Probe:
        """Raises OSError, ValueError and KeyError where the file is none of these."""
        with np.load(path) as arrays:
            return cls(arrays["weights"], float(arrays["bias"]))


def scale_of(features: Float[ndarray, "sentence feature"]) -> Float[ndarray, " feature"]:
    """By what features are divided where they are standardised, for the prior to be the same."""
    scale: ndarray = features.std(0) + 1e-6
    scale[:COUNT] /= TRAIT_WEIGHT
    return scale


def read(
    probe: Probe,
    base: PreTrainedModel,
    blocks: Sequence[Block],
    unread: set[int],
    encode: Encoder,
) -> dict[int, list[float]]:
    """The log-odds of every sentence in the blocks with these ids, by block."""
    asked = readings(blocks, unread, encode, plain=True)
    return gathered([(reading, judge(probe, base, reading, blocks)) for reading in asked])


def judge(
    probe: Probe, base: PreTrainedModel, reading: Reading, blocks: Sequence[Block]
) -> list[float]:
    """The log-odds of each sentence that a reading asks about, in its order."""
    role = {block.id: block.role for block in blocks}
    shifts = [OWN_WORDS_SHIFT * (role[block] == ASSISTANT) for block, _ in reading.asked]
    log_odds: list[float] = (probe.log_odds(describe(base, reading, blocks)) + shifts).tolist()
    return log_odds


def describe(
    base: PreTrainedModel, reading: Reading, blocks: Sequence[Block]
) -> Float[ndarray, "sentence feature"]:
    """The traits of a plain reading's sentences, and the mean states over each one's tokens."""
    asked = {block for block, _ in reading.asked}
    parts = {block.id: sentences(block.text) for block in blocks if block.id in asked}
    seen = np.array(
        [
            traits(parts[block][number], number == 0, len(parts[block]) >= MANY_SENTENCES)
            for block, number in reading.asked
        ],
        dtype=np.float32,
    )
    features: ndarray = np.c_[seen, _states(base, reading)]
    return features


@torch.no_grad()
def _states(base: PreTrainedModel, reading: Reading) -> Float[ndarray, "sentence state"]:
    with adapter_off(base):
        run = backbone.run_alone(base, reading.token_ids, output_hidden_states=True)
    layers = [run.hidden_states[round(depth * (len(run.hidden_states) - 1))] for depth in DEPTHS]
    return np.concatenate(
        [
            np.stack(
                [layer[0, begin:end].float().mean(0).cpu().numpy() for begin, end in reading.spans]
            )
            for layer in layers
        ],
        axis=1,
    )
