"""Notices when people want something else than the head has learned.

Page-Hinkley on the prequential loss: how far the losses lie above their own mean (and a slack) is
added up; where the sum has climbed by a limit above its lowest point, the loss has risen. Losses
are bounded, since the head grants everybody slips, so a few odd judgements do not suffice.

Paper: Page 1954, "Continuous Inspection Schemes".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from learning.config import RewardConfig

# So many losses make a mean that the next can be held against.
LEAST = 20


@dataclass(frozen=True, slots=True)
class Detector:
    """Counts from the last drift or refit on."""

    count: int = 0
    mean: float = 0.0
    climbed: float = 0.0
    lowest: float = 0.0

    def after(self, predicted: float, config: RewardConfig) -> Detector:
        """With one more judgement, which the head had thought this probable."""
        loss = -math.log(predicted)
        count = self.count + 1
        mean = self.mean + (loss - self.mean) / count
        climbed = self.climbed + loss - mean - config.drift_slack
        return Detector(count, mean, climbed, min(self.lowest, climbed))

    def has_drifted(self, config: RewardConfig) -> bool:
        return self.count >= LEAST and self.climbed - self.lowest > config.drift_limit
