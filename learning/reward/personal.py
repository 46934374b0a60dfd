"""What one person likes beyond what everybody likes: a small head on top of the common one.

The same regression, fitted to the person's own judgements at once, with the common head's
log-odds as an offset and a narrower prior: where the person agrees with everybody, nothing is left
to explain, and with few judgements the effect stays near nothing. Judgements that are kept from
the common head (on dictated answers, or of people left out) are in it: it serves nobody else.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig
from learning.reward.batch import Heard, fit, heard_from
from learning.reward.model import Event, Head, read, with_bias

MAGIC = b"DANASPE1"
HEADER = struct.Struct("<8sI")
# Fewer judgements than this do not make an effect.
LEAST = 5
# Of somebody who has judged more, the newest count.
MOST = 512


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """Weights on top of the common head's, and their covariance."""

    mean: Float[ndarray, " weight"]
    covariance: Float[ndarray, "weight weight"]

    def shift(self, features: Float[ndarray, " feature"]) -> tuple[float, float]:
        """By how much this person's log-odds differ from everybody's, and the variance of that
        beyond what is unknown of everybody's."""
        direction = with_bias(features)
        spread = np.einsum("ij,j->i", self.covariance, direction)
        return (
            float(np.einsum("i,i->", self.mean, direction)),
            max(float(np.einsum("i,i->", direction, spread)), 0.0),
        )

    def estimate(self, head: Head, features: Float[ndarray, " feature"]) -> tuple[float, float]:
        """Mean and standard deviation of the log-odds that this person likes an answer."""
        mean, sd = head.estimate(features)
        shift, variance = self.shift(features)
        return mean + shift, math.sqrt(sd * sd + variance)

    def to_bytes(self) -> bytes:
        """In float32: nothing is added to it later, it is fitted anew."""
        upper = self.covariance[np.triu_indices(len(self.mean))]
        numbers = np.concatenate([self.mean, upper]).astype("<f4")
        return HEADER.pack(MAGIC, len(self.mean)) + bytes(numbers.tobytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> Effect:
        magic, size = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise ValueError("these bytes are no person's effect")
        numbers = np.frombuffer(content, "<f4", offset=HEADER.size).astype(np.float64)
        covariance = np.zeros((size, size))
        rows, columns = np.triu_indices(size)
        covariance[rows, columns] = covariance[columns, rows] = numbers[size:]
        return cls(numbers[:size], covariance)


def effect_of(events: Sequence[Event], head: Head, config: RewardConfig) -> Effect | None:
    """The effect of a person with these judgements; None for too few that say something."""
    said = [each for event in events[-MOST:] if (each := read(event, config)) is not None]
    if len(said) < LEAST:
        return None
    size = len(head.mean)
    # No slips here: what contradicts everybody is just what is looked for, and would be taken for
    # one.
    narrow = config.model_copy(update={"prior_sd": config.personal_sd, "flip_rate": 0.0})
    heard = heard_from(
        [each.direction for each in said],
        [each.weight for each in said],
        [(1.0,) * config.folds] * len(said),
        size,
        config.folds,
    )
    offsets = np.einsum("nw,w->n", heard.directions, head.mean)
    found = fit(Heard(heard.directions, heard.weights, offsets, heard.in_folds), narrow)
    return Effect(found.mean, found.covariance)
