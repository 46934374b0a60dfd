"""What a policy must not lose: general text, general knowledge, and closeness to its parent.

Text and questions are judged against the base, not the parent, so that small losses cannot add up
over many updates. KL is judged against the parent, on answers sampled from the new policy to the
bank's prompts, with Schulman's estimator k3, which needs log-probabilities alone.

**General questions** are scored by the probability of the right ending among the four, averaged
over a hundred questions, in points. Counting right answers instead would make one point one
question, and a question whose two best endings are equally likely turns over with any rounding. The
limit is the guide's one point; a drop beyond it that chance explains (a hundred questions are a
sample) is let through up to `max_unsure_drop`, which is refused in any case.
"""

from __future__ import annotations

import math

import numpy as np

from learning.config import GateConfig
from learning.evaluation.gates.measured import Paired, Texts, WithBase
from learning.evaluation.gates.report import GateReport


def general_text_not_worse(texts: Texts, config: GateConfig) -> GateReport:
    loss, base_loss = -float(np.mean(texts.trained)), -float(np.mean(texts.base))
    rise = loss / base_loss - 1
    passed = math.isfinite(rise) and rise <= config.max_text_loss_rise
    sentence = (
        f"On general text the loss changed by {rise:+.2%} from the base model's "
        f"(allowed: {config.max_text_loss_rise:+.0%})."
    )
    figures = {"loss": loss, "base_loss": base_loss, "rise": rise}
    return GateReport("general text not worse", passed, sentence, figures)


def kl_on_bank(sampled: Paired, config: GateConfig) -> GateReport:
    log_ratio = sampled.parent - sampled.policy
    kl = float(np.mean(np.expm1(log_ratio) - log_ratio))
    passed = math.isfinite(kl) and kl <= config.max_kl
    sentence = (
        f"On general prompts the policy moved {kl:.4f} nats per token away from its parent "
        f"(allowed: {config.max_kl:g})."
    )
    figures = {"kl": kl, "tokens": float(len(sampled))}
    return GateReport("KL on the bank", passed, sentence, figures)


def general_questions(questions: WithBase, config: GateConfig) -> GateReport:
    change, points = questions.change_from_base, 100 * float(questions.policy.mean())
    limit = config.max_questions_drop / 100
    passed = change.is_finite and not (
        change.is_clearly_below(limit) or change.mean < -config.max_unsure_drop / 100
    )
    sentence = (
        f"On {len(questions)} general questions the right ending has a probability of "
        f"{points:.1f} %, {100 * change.mean:+.1f} ± {100 * change.error:.1f} points from the base "
        f"model's (allowed: -{config.max_questions_drop:g})."
    )
    figures = {
        "points": points,
        "change_from_base": 100 * change.mean,
        "change_from_parent": 100 * questions.change.mean,
        "standard_error": 100 * change.error,
    }
    return GateReport("general questions", passed, sentence, figures)
