"""Notices when people want something else than the head has learned.

Page's test (Page-Hinkley) on the prequential loss, with the mean replaced by what is to be told
apart from it: how much greater a judgement's loss is than it would be for a head that holds the
opposite with probability `drift_turned`. That sum falls while the head's probabilities hold, even
where many judgements are slips, and rises when people have turned, or want something unrelated;
where it has climbed by a limit above its lowest point, they have. Against the running mean of the
losses, which changes as the head learns, the same number of false alarms took twice as long to
notice.

A crowd turns together: from `crowd` people on, one person moves the sum by a quarter of the limit
at most. Otherwise two people who vote against everybody, again and again, would be taken for a
change of everybody's mind, and the head would forget what the others had said.

Paper: Page 1954, "Continuous Inspection Schemes".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from learning.config import RewardConfig

# Of the limit, that one person of a crowd can make up.
VOICE = 0.25


@dataclass(frozen=True, slots=True)
class Detector:
    """`climbed_by` is what each person added since the sum's lowest point, in nats."""

    climbed_by: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def climbed(self) -> float:
        return math.fsum(self.climbed_by.values())

    def after(
        self, person: int, predicted: float, config: RewardConfig, *, people: int
    ) -> Detector:
        """With one more judgement, which the head had thought this probable.

        Args:
            people: how many have judged so far.
        """
        turned = config.drift_turned
        otherwise = turned * (1 - predicted) + (1 - turned) * predicted
        most = VOICE * config.drift_limit if people >= config.crowd else math.inf
        own = min(self.climbed_by.get(person, 0.0) + math.log(otherwise / predicted), most)
        after = Detector(MappingProxyType({**self.climbed_by, person: own}))
        return after if after.climbed > 0 else Detector()

    def has_drifted(self, config: RewardConfig) -> bool:
        return self.climbed > config.drift_limit
