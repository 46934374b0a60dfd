"""What an adapter must pass before it may be served. Each gate measures one thing and says so.

**Served is trained** compares changes, not log-probabilities: engine and trainer differ by some
0.05 per token on the very same weights, but both should move alike from the parent policy to the
new one. The trainer's side is computed without rounding. The slope of the served change on it is
about 1 for the right weights, 0 for weights that did not arrive (wrong keys, a stale name), -1
for a flipped sign, 10 for a forgotten scale. It falls below 1 for small changes, since an engine in
bfloat16 adds the adapter's part to numbers of eight bits, and what is smaller than half a bit is
swallowed: 0.49, 0.66, 0.87 and 0.97 were measured for adapters that move log-probabilities by 0.07,
0.13, 0.27 and 0.52. Hence the bounds 0.35 and 1.5. `min_certainty` asks that the slope's standard
error be an eighth or less, and refuses an adapter that changes nothing. What the slope leaves over
must not exceed the engine's own noise, measured on the parent in the same pass, by much; that stops
noise on top of the right weights.

**General text** is judged against the base, not the parent, so that small losses cannot add up
over many updates. **KL** is judged against the parent, on answers sampled from the new policy to
the bank's prompts, with Schulman's estimator k3, which needs log-probabilities alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from learning.config import GateConfig


@dataclass(frozen=True, slots=True)
class GateReport:
    """The verdict of one gate, with a sentence for a person and the figures behind it."""

    name: str
    passed: bool
    sentence: str
    figures: dict[str, float] = field(default_factory=dict)


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
    figures = {"matrices": float(len(weights)), "broken": float(broken)}
    if math.isfinite(largest):
        figures["largest"] = largest
    return GateReport("finite weights", passed, sentence, figures)


def served_is_trained(
    served: Float[ndarray, " token"],
    served_parent: Float[ndarray, " token"],
    trained: Float[ndarray, " token"],
    trained_parent: Float[ndarray, " token"],
    config: GateConfig,
) -> GateReport:
    """Log-probabilities of fixed tokens by engine and trainer, of the new policy and its parent."""
    name = "served is trained"
    if not np.isfinite(np.concatenate([served, served_parent, trained, trained_parent])).all():
        return GateReport(name, False, "Some log-probabilities are not finite numbers.")
    served_change, trained_change = served - served_parent, trained - trained_parent
    noise = _rms(served_parent - trained_parent)
    change = _rms(trained_change)
    slope = float(served_change @ trained_change) / max(
        float(trained_change @ trained_change), 1e-12
    )
    left_over = _rms(served_change - slope * trained_change)
    # Standard errors between the slope and zero, were it exactly one.
    certainty = change * math.sqrt(len(served)) / max(left_over, noise, 1e-6)
    figures = {
        "slope": slope,
        "served_change": _rms(served_change),
        "trained_change": change,
        "left_over": left_over,
        "engine_noise": noise,
        "certainty": certainty,
        "tokens": float(len(served)),
    }
    if change < 1e-6 or certainty < config.min_certainty:
        sentence = (
            f"Training moved the log-probabilities by {change:.4f}, too little to be told from "
            f"the engine's noise of {noise:.4f}: there is nothing to serve."
        )
        return GateReport(name, False, sentence, figures)
    if not config.min_slope <= slope <= config.max_slope:
        sentence = (
            f"The engine moves {slope:.2f} times as far as the trained adapter does (allowed: "
            f"{config.min_slope:g} to {config.max_slope:g}): it does not serve these weights."
        )
        return GateReport(name, False, sentence, figures)
    if left_over > config.max_noise_ratio * noise + config.noise_share * change:
        sentence = (
            f"What the engine serves differs from what was trained by {left_over:.3f} per token, "
            f"its own noise being {noise:.3f}."
        )
        return GateReport(name, False, sentence, figures)
    sentence = (
        f"The engine moves {slope:.2f} times as far as the trained adapter does without rounding, "
        f"and agrees with it up to its own noise of {noise:.3f} per token."
    )
    return GateReport(name, True, sentence, figures)


def general_text_not_worse(
    policy: Float[ndarray, " token"], base: Float[ndarray, " token"], config: GateConfig
) -> GateReport:
    """Log-probabilities of the bank's texts under the new policy and under the base model."""
    loss, base_loss = -float(np.mean(policy)), -float(np.mean(base))
    rise = loss / base_loss - 1
    passed = math.isfinite(rise) and rise <= config.max_text_loss_rise
    sentence = (
        f"On general text the loss changed by {rise:+.2%} from the base model's "
        f"(allowed: {config.max_text_loss_rise:+.0%})."
    )
    figures = {"loss": loss, "base_loss": base_loss, "rise": rise}
    return GateReport("general text not worse", passed, sentence, _finite(figures))


def kl_on_bank(
    policy: Float[ndarray, " token"], parent: Float[ndarray, " token"], config: GateConfig
) -> GateReport:
    """Log-probabilities, under both policies, of tokens sampled from the new one."""
    log_ratio = parent - policy
    kl = float(np.mean(np.expm1(log_ratio) - log_ratio))
    passed = math.isfinite(kl) and kl <= config.max_kl
    sentence = (
        f"On general prompts the policy moved {kl:.4f} nats per token away from its parent "
        f"(allowed: {config.max_kl:g})."
    )
    figures = {"kl": kl, "tokens": float(len(policy))}
    return GateReport("KL on the bank", passed, sentence, _finite(figures))


def _rms(values: Float[ndarray, " token"]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _finite(figures: dict[str, float]) -> dict[str, float]:
    """JSON in a database knows no NaN."""
    return {name: value for name, value in figures.items() if math.isfinite(value)}
