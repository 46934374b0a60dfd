"""How much one person may weigh, so that nobody alone decides what everyone is answered.

From `crowd` people on, what a person weighs so far may not exceed their share: `largest_share` of
all weight or `fair_shares` times an equal part, whichever is more, and never less than
`free_weight`. What goes beyond that counts in part, or not at all. It is decided in the order of
the log, once, so that a replay decides the same. An equal part alone would not do: once all have
said as much as each other, nobody could say another word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from learning.config import RewardConfig

HALF_SAMPLE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What each person weighs so far, in the order of their first judgements."""

    weights: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    total: float = 0.0

    def share_of(self, person: int, weight: float, config: RewardConfig) -> float:
        """Which part, from 0 to 1, of a judgement of this weight counts."""
        own = self.weights.get(person, 0.0)
        people = len(self.weights) + (person not in self.weights)
        if people < config.crowd or weight <= 0:
            return 1.0
        share = max(config.largest_share, config.fair_shares / people)
        # own + w = share · (total + w), the total with the judgement itself in it.
        within_share = (share * self.total - own) / (1 - share)
        return min(max(config.free_weight - own, within_share, 0.0) / weight, 1.0)

    def with_weight(self, person: int, weight: float) -> Tally:
        own = self.weights.get(person, 0.0)
        weights = MappingProxyType({**self.weights, person: own + weight})
        return Tally(weights, self.total + weight)


def in_folds(person: int, event: str, people: int, config: RewardConfig) -> tuple[float, ...]:
    """How often each fold hears a judgement: half of them do, twice, chosen by a hash.

    By the person's, so that somebody who leads astray is absent from half of the folds; of a few
    people by the event's, or some folds would never hear anybody.
    """
    key = f"person {person}" if people >= config.crowd else f"event {event}"
    digest = hashlib.blake2b(key.encode(), digest_size=config.folds).digest()
    ranked = sorted(range(config.folds), key=lambda fold: (digest[fold], fold))
    hearing = set(ranked[: config.folds // 2])
    return tuple(HALF_SAMPLE_WEIGHT if fold in hearing else 0.0 for fold in range(config.folds))
