"""What the gates judge, measured once for all of them by `learning.evaluation.examine`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray

# Standard errors to which a change of a fair policy goes in one of twenty updates.
CLEARLY = 1.645


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """The same things under the new policy and under the one that it was trained from."""

    policy: Float[ndarray, " thing"]
    parent: Float[ndarray, " thing"]

    def __len__(self) -> int:
        return len(self.policy)

    @property
    def change(self) -> Change:
        return Change.of(self.policy - self.parent)


@dataclass(frozen=True, slots=True, eq=False)
class WithBase(Paired):
    """And under the base model, so that small losses of many updates cannot add up."""

    base: Float[ndarray, " thing"]

    @property
    def change_from_base(self) -> Change:
        return Change.of(self.policy - self.base)


@dataclass(frozen=True, slots=True)
class Change:
    """A mean change and its standard error; without anything measured, no change."""

    mean: float
    error: float

    @classmethod
    def of(cls, changes: Float[ndarray, " thing"]) -> Change:
        if len(changes) == 0:
            return cls(0.0, 0.0)
        error = changes.std(ddof=1) / math.sqrt(len(changes)) if len(changes) > 1 else math.inf
        return cls(float(changes.mean()), float(error))

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.mean)

    @property
    def chance_of_rise(self) -> float:
        """How probable it is that the true change is above zero, seen from this measurement."""
        if self.error == 0:
            return 0.5 + 0.5 * float(np.sign(self.mean))
        return 0.5 * math.erfc(-self.mean / self.error / math.sqrt(2))

    def is_clearly_below(self, limit: float) -> bool:
        """More than `limit` down, and more than chance explains."""
        return self.mean < -limit and self.mean < -CLEARLY * self.error


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Log-probabilities of the bank's texts, token by token, by the engine and by the trainer.

    `endings` are the trainer's probabilities of ending where each text ends.
    """

    served: Float[ndarray, " token"]
    served_parent: Float[ndarray, " token"]
    trained: Float[ndarray, " token"]
    trained_parent: Float[ndarray, " token"]
    base: Float[ndarray, " token"]
    endings: Paired
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Answers to the same prompts: how long they are in tokens, how much of one repeats itself,
    and how sound it is by fixed rules (0 to 1, see `soundness`)."""

    lengths: Paired
    repeats: Paired
    sound: Paired


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """All of it.

    `sampled` are log-probabilities of what the new policy answered to the bank's prompts, token by
    token; `questions` the probability of the right ending among four, and `right` whether it is the
    most probable (1 or 0); `answered` whether a question that the engine was asked was answered
    rightly (1 or 0), by the new policy and by the base; `flattery` and `safety` by how much the
    good answer is more probable per token than the bad one; `refusals` the probability of beginning
    with a refusal, per harmless prompt; `corrections` by how much a person's text is more probable
    per token than what it corrected; `rewards` one per prompt that nothing was trained on, and
    `people` whose prompts those are, where they are anybody's. `length_wish` is what people's
    judgements say about length: positive for longer answers, in standard errors.
    """

    texts: Texts
    sampled: Paired
    questions: WithBase
    right: WithBase
    answered: Paired
    flattery: WithBase
    safety: WithBase
    refusals: Paired
    corrections: Paired
    general: Said
    held_out: Said
    rewards: Paired
    people: tuple[int | None, ...]
    length_wish: float
    seconds: dict[str, float] = field(default_factory=dict)
