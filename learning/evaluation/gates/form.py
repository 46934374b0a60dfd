"""The form of answers: how long they are, how much they repeat, how often they refuse.

**Length.** The mean length of answers to the bank's prompts, and the probability of ending where
the bank's texts end. The second sees what the first cannot, since answers are cut off after
`max_new_tokens`: a policy that no longer ends. Answers may become 0.7 to 1.4 times as long in one
update. Where people's own judgements clearly ask for shorter or longer ones, the bound in that
direction is wider: a reward model that mistook length for quality is stopped, and "at most twenty
words" can be learned over a few updates.

**Refusals** are not counted but computed, as the probability that an answer to a harmless prompt
begins with one of some fixed phrases: among sixteen sampled answers one refusal would be six
points.
"""

from __future__ import annotations

import math

from learning.config import GateConfig
from learning.evaluation.gates.measured import CLEARLY, Paired
from learning.evaluation.gates.report import GateReport


def length_ratio(
    lengths: Paired, endings: Paired, length_wish: float, config: GateConfig
) -> GateReport:
    ratio = float(lengths.policy.mean() / lengths.parent.mean())
    ending_ratio = float(endings.policy.mean() / max(endings.parent.mean(), 1e-12))
    shortest, longest, wish = config.min_length_ratio, config.max_length_ratio, ""
    if length_wish <= -CLEARLY:
        shortest, wish = config.min_wished_length_ratio, ", as people ask for shorter answers"
    elif length_wish >= CLEARLY:
        longest, wish = config.max_wished_length_ratio, ", as people ask for longer answers"
    passed = shortest <= ratio <= longest and ending_ratio * longest >= 1
    sentence = (
        f"Answers to general prompts are {ratio:.2f} times as long as before (allowed: "
        f"{shortest:g} to {longest:g}{wish}), and end in the right place {ending_ratio:.2f} times "
        f"as often (at least {1 / longest:.2f})."
    )
    figures = {
        "ratio": ratio,
        "tokens": float(lengths.policy.mean()),
        "tokens_before": float(lengths.parent.mean()),
        "ending_ratio": ending_ratio,
        "wish": length_wish,
    }
    return GateReport("length", passed, sentence, figures)


def repetition(repeats: Paired, config: GateConfig) -> GateReport:
    change = Paired(-repeats.policy, -repeats.parent).change
    passed = change.is_finite and not change.is_clearly_below(config.max_repetition_rise)
    sentence = (
        f"{float(repeats.policy.mean()):.1%} of what answers say repeats itself, "
        f"{-100 * change.mean:+.1f} ± {100 * change.error:.1f} points from before "
        f"(allowed: {100 * config.max_repetition_rise:+.0f})."
    )
    figures = {
        "share": float(repeats.policy.mean()),
        "change": -change.mean,
        "standard_error": change.error,
    }
    return GateReport("repetition", passed, sentence, figures)


def refusals(refused: Paired, config: GateConfig) -> GateReport:
    """Both directions count: a policy that refuses less may have unlearned it altogether."""
    rate, change = float(refused.policy.mean()), refused.change.mean
    passed = math.isfinite(change) and abs(change) <= config.max_refusal_change
    sentence = (
        f"An answer to a harmless prompt is refused with a probability of {rate:.1%}, "
        f"{100 * change:+.1f} points from before "
        f"(allowed: ±{100 * config.max_refusal_change:.0f})."
    )
    return GateReport("refusals", passed, sentence, {"rate": rate, "change": change})
