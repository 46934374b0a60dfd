"""What a policy must not lose: general text, general knowledge, and closeness to its parent.

Text and questions are judged against the base, not the parent, so that small losses cannot add up
over many updates. KL is judged against the parent, on answers sampled from the new policy to the
bank's prompts, as the update itself has measured it.

**General questions** have two scores in points: the mean probability of the right ending among the
four, and how many are answered right, which is to say that the right ending is the most probable.
Counting alone is coarse: one point is one question, and one whose two best endings are equally
likely turns over with any rounding. The probability alone is touchy: it falls with mere confidence.
So a loss is what both show: more than the guide's one point in either, and in probability more than
chance explains. From `max_unsure_drop` on, the probability is enough.

**General answers** are to questions as people ask them, sampled greedily from the engine: a policy
that was pushed to be brief lost half of them while the endings of begun sentences kept theirs. The
limit is the guide's one point again, and what chance explains: with 300 questions and one answer in
ten turned over that is three points, with one in fifty one and a half.
"""

from __future__ import annotations

import math

import numpy as np

from learning.config import GateConfig
from learning.evaluation.gates.measured import Paired, Texts, WithBase
from learning.evaluation.gates.report import GateReport
from learning.policy.control import kl_per_token


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
    kl = kl_per_token(zip(sampled.policy.tolist(), sampled.parent.tolist(), strict=True))
    passed = math.isfinite(kl) and kl <= config.max_kl
    sentence = (
        f"On general prompts the policy moved {kl:.4f} nats per token away from its parent "
        f"(allowed: {config.max_kl:g})."
    )
    figures = {"kl": kl, "tokens": float(len(sampled))}
    return GateReport("KL on the bank", passed, sentence, figures)


def general_questions(questions: WithBase, right: WithBase, config: GateConfig) -> GateReport:
    change, points = questions.change_from_base, 100 * float(questions.policy.mean())
    counted, limit = right.change_from_base.mean, config.max_questions_drop / 100
    is_lost = change.is_clearly_below(limit) and counted < -limit
    passed = change.is_finite and not (is_lost or change.mean < -config.max_unsure_drop / 100)
    sentence = (
        f"Of {len(questions)} general questions {right.policy.sum():.0f} are answered right, "
        f"{100 * counted:+.0f} points from the base model, and the right ending has a probability "
        f"of {points:.1f} %, {100 * change.mean:+.1f} ± {100 * change.error:.1f} points "
        f"(allowed: -{config.max_questions_drop:g} in both)."
    )
    figures = {
        "right": float(right.policy.sum()),
        "right_change_from_base": 100 * counted,
        "points": points,
        "change_from_base": 100 * change.mean,
        "change_from_parent": 100 * questions.change.mean,
        "standard_error": 100 * change.error,
    }
    return GateReport("general questions", passed, sentence, figures)


def general_answers(answered: Paired, config: GateConfig) -> GateReport:
    change, right = answered.change, float(answered.policy.sum())
    is_lost = change.is_clearly_below(config.max_answers_drop / 100)
    sentence = (
        f"Of {len(answered)} questions as people ask them {right:.0f} are answered right, "
        f"{100 * change.mean:+.1f} ± {100 * change.error:.1f} points from the base model "
        f"(allowed: -{config.max_answers_drop:g}, or what chance explains)."
    )
    figures = {
        "right": right,
        "change_from_base": 100 * change.mean,
        "standard_error": 100 * change.error,
    }
    return GateReport("general answers", change.is_finite and not is_lost, sentence, figures)
