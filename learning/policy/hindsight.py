"""Learning from what people said in words, and from the answers they wrote themselves.

Words: the parent that is told what the person said afterwards teaches the policy that is not.
On answers of the student's own, each token's weight is how much likelier the told parent finds it,
which is the gradient of the reverse KL between the two. A model has to understand remarks for
this: it is off for models below 4B, whose told self is no better than they are.

Corrections: likelihood of the spans that the person changed, nothing else.

After arXiv 2601.20802 (distillation from feedback), at most a quarter of the samples, since it is
known to wear out in continual use (2607.01763). It departs from the paper in two ways. The teacher
is the parent and not the policy in training: a teacher that moves with its student led both astray
within eight steps (EXPERIMENTS.md). And a token's weight is capped, so that one surprising token
cannot outweigh an answer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TypeVar

from inference.contracts import Sampling
from learning.config import UpdateConfig
from learning.policy.trainer import Datum, Loss, LossKind, TokenIds, Trainer, Weights

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Hint:
    """A prompt, and the same prompt with what the person said about its answer."""

    prompt: TokenIds
    told: TokenIds


@dataclass(frozen=True, slots=True)
class Correction:
    """An answer and what the person made of it."""

    prompt: TokenIds
    answer: TokenIds
    corrected: TokenIds


@dataclass(frozen=True, slots=True)
class Lessons:
    hints: tuple[Hint, ...] = ()
    corrections: tuple[Correction, ...] = ()


def learn(
    trainer: Trainer, lessons: Lessons, config: UpdateConfig, sampling: Sampling, step: int
) -> None:
    """Add this step's gradient of hints and corrections to what has accumulated."""
    draw = random.Random(f"{config.seed} lessons {step}")
    hints = _some(lessons.hints, _hints_a_step(config), draw)
    if hints:
        _learn_weighted(trainer, distilled(trainer, hints, config, sampling), config)
    if config.correction_weight > 0:
        corrections = _some(lessons.corrections, config.samples, draw)
        data = [each for each in (changed_spans(one) for one in corrections) if any(each.weights)]
        _learn_weighted(trainer, data, config, config.correction_weight)


def distilled(
    trainer: Trainer, hints: Sequence[Hint], config: UpdateConfig, sampling: Sampling
) -> list[Datum]:
    """The student's own answers, weighed by how much likelier the told parent finds each token."""
    groups = trainer.sample([hint.prompt for hint in hints], sampling, config.samples)
    drawn = [(hint, s.token_ids) for hint, group in zip(hints, groups, strict=True) for s in group]
    told = [Datum(hint.told, tokens) for hint, tokens in drawn]
    alone = [Datum(hint.prompt, tokens) for hint, tokens in drawn]
    teacher = trainer.logprobs(told, Weights.REFERENCE, temperature=config.temperature)
    student = trainer.logprobs(alone, Weights.POLICY, temperature=config.temperature)
    cap = config.hindsight_cap
    return [
        replace(
            datum, weights=tuple(max(-cap, min(cap, t - s)) for t, s in zip(ts, ss, strict=True))
        )
        for datum, ts, ss in zip(alone, teacher, student, strict=True)
    ]


def changed_spans(correction: Correction) -> Datum:
    """The corrected answer; tokens that were in the answer already weigh nothing."""
    matcher = SequenceMatcher(None, correction.answer, correction.corrected, autojunk=False)
    weights = [1.0] * len(correction.corrected)
    for block in matcher.get_matching_blocks():
        weights[block.b : block.b + block.size] = [0.0] * block.size
    return Datum(correction.prompt, correction.corrected, tuple(weights))


def _learn_weighted(
    trainer: Trainer, data: Sequence[Datum], config: UpdateConfig, weight: float = 1.0
) -> None:
    """Per token, like the rest of a step. Hints weigh by their share of the step's samples."""
    tokens = sum(len(datum.response) for datum in data)
    if not tokens:
        return
    share = weight * len(data) / (config.prompts * config.samples)
    scaled = [
        Datum(each.prompt, each.response, tuple(w * share / tokens for w in each.weights))
        for each in data
    ]
    trainer.forward_backward(scaled, Loss(LossKind.CROSS_ENTROPY, temperature=config.temperature))


def _hints_a_step(config: UpdateConfig) -> int:
    """So many that their samples are at most `hindsight_share` of all of the step's samples."""
    share = config.hindsight_share
    return int(config.prompts * share / (1 - share))


def _some(items: Sequence[Item], count: int, draw: random.Random) -> list[Item]:
    return draw.sample(items, min(count, len(items)))
