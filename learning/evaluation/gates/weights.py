"""Finite weights and norms."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from learning.config import GateConfig
from learning.evaluation.gates.report import GateReport


def finite_weights(weights: Mapping[str, Tensor], config: GateConfig) -> GateReport:
    """No infinities, no NaN, and nothing grotesquely large, on disk."""
    largest = max((float(tensor.abs().max()) for tensor in weights.values()), default=math.nan)
    broken = sum(not bool(torch.isfinite(tensor).all()) for tensor in weights.values())
    passed = bool(weights) and broken == 0 and largest <= config.max_weight
    sentence = (
        f"All weights are finite; the largest is {largest:.3g}."
        if passed
        else f"{broken} of {len(weights)} weight matrices are not finite, the largest weight is "
        f"{largest:.3g} (allowed: {config.max_weight:g})."
    )
    figures = {"matrices": float(len(weights)), "broken": float(broken), "largest": largest}
    return GateReport("finite weights", passed, sentence, figures)
