"""Served is trained: the engine answers with exactly the weights that the trainer has made.

Changes are compared, not log-probabilities: engine and trainer differ by some 0.05 per token on the
very same weights, but both should move alike from the parent policy to the new one. The trainer's
side is computed without rounding. The slope of the served change on it is about 1 for the right
weights, 0 for weights that did not arrive (wrong keys, a stale name), -1 for a flipped sign, 10 for
a forgotten scale. It falls below 1 for small changes, since an engine in bfloat16 adds the
adapter's part to numbers of eight bits, and what is smaller than half a bit is swallowed: 0.49,
0.66, 0.87 and 0.97 were measured for adapters that move log-probabilities by 0.07, 0.13, 0.27 and
0.52. Hence the bounds 0.35 and 1.5. `min_certainty` asks that the slope's standard error be an
eighth or less, and refuses an adapter that changes nothing. What the slope leaves over must not
exceed the engine's own noise, measured on the parent in the same pass, by much; that stops noise on
top of the right weights.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from learning.config import GateConfig
from learning.evaluation.gates.measured import Texts
from learning.evaluation.gates.report import GateReport


def served_is_trained(texts: Texts, config: GateConfig) -> GateReport:
    """By log-probabilities of fixed tokens by engine and trainer, under both policies."""
    served, served_parent = texts.served, texts.served_parent
    trained, trained_parent = texts.trained, texts.trained_parent
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
    is_nothing = change * math.sqrt(len(served)) < config.min_certainty * max(noise, 1e-6)
    if change < 1e-6 or is_nothing:
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
    is_noisy = left_over > config.max_noise_ratio * noise + config.noise_share * change
    if is_noisy or certainty < config.min_certainty:
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


def _rms(values: Float[ndarray, " token"]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
