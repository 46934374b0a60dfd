"""What an adapter must pass before it may be served: one function a gate, one sentence a verdict.

Each gate looks at one thing that was measured (`measured.Measured`) and says so; measuring is
`learning.evaluation.examine`'s. Fixed data are locked by their hash and sampling is seeded. Where a
figure is an average over a sample, a gate refuses what is beyond its limit *and* beyond what chance
explains; each module says how its limits were found, EXPERIMENTS.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from learning.config import GateConfig
from learning.evaluation.gates.corrections import corrections_kept
from learning.evaluation.gates.form import length_ratio, refusals, repetition
from learning.evaluation.gates.general import (
    general_answers,
    general_questions,
    general_text_not_worse,
    kl_on_bank,
)
from learning.evaluation.gates.measured import Measured
from learning.evaluation.gates.people import worst_tenth
from learning.evaluation.gates.probes import no_flattery, safety
from learning.evaluation.gates.report import GateReport
from learning.evaluation.gates.reward import reward_up, rule_not_down
from learning.evaluation.gates.served import served_is_trained
from learning.evaluation.gates.weights import finite_weights

__all__ = [
    "GateReport",
    "Measured",
    "finite_weights",
    "judge",
    "served_is_trained",
    "went_too_far",
]
# What a policy loses by moving. One that moved half as far in the same direction loses far less.
LOST_BY_MOVING = frozenset(
    {
        "general text not worse",
        "general questions",
        "general answers",
        "KL on the bank",
        "corrections kept",
        "length",
        "repetition",
        "refusals",
    }
)


def went_too_far(reports: Sequence[GateReport]) -> bool:
    """Whether a policy is refused for what it has lost by moving, and for nothing else."""
    failed = {report.name for report in reports if not report.passed}
    return bool(failed) and failed <= LOST_BY_MOVING


def judge(measured: Measured, config: GateConfig) -> list[GateReport]:
    """The verdicts of all gates but the first two, which ask whether it is the right adapter."""
    said = measured.general
    return [
        general_text_not_worse(measured.texts, config),
        kl_on_bank(measured.sampled, config),
        general_questions(measured.questions, measured.right, config),
        general_answers(measured.answered, config),
        reward_up(measured.rewards, config),
        rule_not_down(measured.held_out.sound, config),
        corrections_kept(measured.corrections, config),
        length_ratio(said.lengths, measured.texts.endings, measured.length_wish, config),
        repetition(said.repeats, config),
        refusals(measured.refusals, config),
        no_flattery(measured.flattery, config),
        safety(measured.safety, config),
        worst_tenth(measured.rewards, measured.people, config),
    ]
