"""Reward up on prompts that no update trains on, and an independent rule not down.

The rule knows nothing of the reward model: an answer that is blank, repeats itself or breaks off is
worse, whatever anybody has judged. If only the reward rises, it is being gamed.

**How sure.** Four dozen answers are a small sample: of a policy that got better by one standard
error, one in six would measure as worse. So the measured reward need not be up; but to be merely
not clearly down would let three in four through that got worse by one standard error. The chance
that it rose has to be `min_rise_chance`: of policies that got better by one standard error one in
thirty is refused, of those that changed nothing one in five, of those that got worse by two, seven
in eight. Both policies are sampled with the same seeds, which takes part of the noise out of the
difference.
"""

from __future__ import annotations

from learning.config import GateConfig
from learning.evaluation.gates.measured import Paired
from learning.evaluation.gates.report import GateReport


def reward_up(rewards: Paired, config: GateConfig) -> GateReport:
    change = rewards.change
    chance = change.chance_of_rise
    passed = change.is_finite and chance >= config.min_rise_chance
    sentence = (
        f"On {len(rewards)} prompts that were not trained on, the reward changed by "
        f"{change.mean:+.2f} ± {change.error:.2f}; it rose with a probability of {chance:.0%} "
        f"(needed: {config.min_rise_chance:.0%})."
    )
    figures = {
        "change": change.mean,
        "standard_error": change.error,
        "chance": chance,
        "prompts": float(len(rewards)),
    }
    return GateReport("reward up", passed, sentence, figures)


def rule_not_down(sound: Paired, config: GateConfig) -> GateReport:
    change = sound.change
    passed = change.is_finite and not change.is_clearly_below(config.max_rule_drop)
    sentence = (
        f"By rules that know no feedback (not blank, no repeats, a proper end), the same answers "
        f"score {float(sound.policy.mean()):.2f}, {change.mean:+.3f} ± {change.error:.3f} from "
        f"before (allowed: -{config.max_rule_drop:g})."
    )
    figures = {
        "score": float(sound.policy.mean()),
        "change": change.mean,
        "standard_error": change.error,
    }
    return GateReport("rules not down", passed, sentence, figures)
