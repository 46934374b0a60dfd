"""What a sampled answer is worth to the policy's training: the head's cautious view, minus rules.

The head's mean less its standard deviation, so that answers unlike any that were judged are not
chased; less what the head makes of length beyond what judgements support. For one person's own
adapter, what they like beyond everybody is added. The rules are fixed and no feedback can move
them: an answer of nothing, or one that repeats itself, is never worth anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig
from learning.policy.trainer import TokenIds
from learning.reward.features import Extract
from learning.reward.length import LengthShare
from learning.reward.model import Head
from learning.reward.personal import Effect

BLANK_COST = 3.0
REPEAT_COST = 2.0
# A run of this many tokens that occurs again counts as a repeat.
REPEATED_RUN = 4


@dataclass(frozen=True, slots=True)
class Rewarder:
    """Scores answers with one version of the head. `ends` are the tokens that end an answer."""

    extract: Extract
    head: Head
    config: RewardConfig
    ends: frozenset[int]
    length: LengthShare = field(default_factory=LengthShare)
    effect: Effect | None = None

    def __call__(
        self, prompts: Sequence[TokenIds], groups: Sequence[Sequence[TokenIds]]
    ) -> list[list[float]]:
        """One reward per answer of each prompt's group."""
        answers = [
            (prompt, answer)
            for prompt, group in zip(prompts, groups, strict=True)
            for answer in group
        ]
        scores = iter(
            self._score(features, answer)
            for features, (_, answer) in zip(self.extract(answers), answers, strict=True)
        )
        return [[next(scores) for _ in group] for group in groups]

    def _score(self, features: Float[ndarray, " feature"], answer: TokenIds) -> float:
        if self.effect is None:
            mean, sd = self.head.estimate(features)
        else:
            mean, sd = self.effect.estimate(self.head, features)
        fair = mean - self.length.of(len(answer))
        return fair - self.config.caution * sd - rule_costs(answer, self.ends)


def rule_costs(answer: TokenIds, ends: frozenset[int]) -> float:
    """Points taken off for an answer of nothing, and for the share of runs that are repeats."""
    said = [token for token in answer if token not in ends]
    if not said:
        return BLANK_COST
    runs = [tuple(said[i : i + REPEATED_RUN]) for i in range(len(said) - REPEATED_RUN + 1)]
    return REPEAT_COST * (1 - len(set(runs)) / len(runs)) if runs else 0.0
