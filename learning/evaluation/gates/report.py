"""What a gate says."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GateReport:
    """The verdict of one gate, with a sentence for a person and the figures behind it.

    `is_veto`: nobody may put a policy into service against this gate, not even by hand.
    """

    name: str
    passed: bool
    sentence: str
    figures: dict[str, float] = field(default_factory=dict)
    is_veto: bool = False

    def __post_init__(self) -> None:
        # JSON in a database knows no NaN.
        finite = {name: value for name, value in self.figures.items() if math.isfinite(value)}
        object.__setattr__(self, "figures", finite)
