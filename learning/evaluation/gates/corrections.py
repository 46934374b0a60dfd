"""What people have corrected stays corrected.

A correction passes when the policy finds the person's text more probable per token than the answer
that it replaced. Log-probabilities are rounded to bfloat16 on the way, so one that passed counts as
lost only when it is behind by more than that rounding. One loss is always forgiven: among fewer
than twenty, a single one would be more than five per cent.
"""

from __future__ import annotations

import numpy as np

from learning.config import GateConfig
from learning.evaluation.gates.measured import Paired
from learning.evaluation.gates.report import GateReport


def corrections_kept(corrections: Paired, config: GateConfig) -> GateReport:
    passed_before = corrections.parent > 0
    before = int(passed_before.sum())
    lost = int((passed_before & ~(corrections.policy > -config.rounding)).sum())
    allowed = max(1, int((1 - config.min_corrections_kept) * before + 1e-9))
    sentence = (
        f"Of {before} past corrections that passed, {before - lost} still pass "
        f"(allowed to be lost: {allowed})."
        if before
        else "None of the past corrections passed before, so none can be lost."
    )
    figures = {
        "corrections": float(len(corrections)),
        "passed_before": float(before),
        "pass_now": float(int((corrections.policy > 0).sum())),
        "lost": float(lost),
        "margin_change": float(np.mean(corrections.policy - corrections.parent))
        if len(corrections)
        else 0.0,
    }
    return GateReport("corrections kept", lost <= allowed, sentence, figures)
