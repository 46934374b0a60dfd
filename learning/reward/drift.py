"""Notices when people want something else than the head has learned.

Page's test (Page-Hinkley) on the prequential loss, with the mean replaced by what is to be told
apart from it: how much greater a judgement's loss is than it would be for a head that holds the
opposite with probability `drift_turned`. That sum falls while the head's probabilities hold, even
where many judgements are slips, and rises when people have turned, or want something unrelated;
where it has climbed by a limit above its lowest point, they have. Against the running mean of the
losses, which changes as the head learns, the same number of false alarms took twice as long to
notice.

Paper: Page 1954, "Continuous Inspection Schemes".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from learning.config import RewardConfig


@dataclass(frozen=True, slots=True)
class Detector:
    """`climbed` is counted from the lowest point since the last drift or refit, in nats."""

    climbed: float = 0.0

    def after(self, predicted: float, config: RewardConfig) -> Detector:
        """With one more judgement, which the head had thought this probable."""
        turned = config.drift_turned
        otherwise = turned * (1 - predicted) + (1 - turned) * predicted
        return Detector(max(0.0, self.climbed + math.log(otherwise / predicted)))

    def has_drifted(self, config: RewardConfig) -> bool:
        return self.climbed > config.drift_limit
