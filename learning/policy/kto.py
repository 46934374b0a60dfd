"""Learning from logged answers as people judged them: Kahneman-Tversky optimisation.

Needs no engine and no reward model, only answers marked as liked or not: the baseline for the
training in `update`, and its fallback. The loss of an answer depends on its log-probabilities
through their sum alone. So the gradient is that of a cross entropy with one weight per answer, and
the trainer's verbs suffice: `forward`, weights, `forward_backward`.

Liked and disliked answers get the same total weight, however many there are of each. The point of
comparison z₀ (the policy's KL from its parent) is estimated on mismatched pairs of the same batch,
as in the paper. It departs from it in having no warm-up: updates are ten steps long.

Paper: Ethayarajh et al. 2024, "KTO: Model Alignment as Prospect Theoretic Optimization",
arXiv 2402.01306.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from learning.config import UpdateConfig
from learning.errors import NothingToLearnFrom, TrainingDiverged
from learning.policy import progress as saving
from learning.policy.progress import Progress, StepReport
from learning.policy.trainer import (
    Adam,
    Datum,
    Floats,
    Loss,
    LossKind,
    SavedState,
    TokenIds,
    Trainer,
    Weights,
)

CROSS_ENTROPY = Loss(LossKind.CROSS_ENTROPY)


@dataclass(frozen=True, slots=True)
class Judged:
    """A logged answer, or one that a person wrote, and what was thought of it.

    `weight` is how much the judgement counts beside others of its kind.
    """

    prompt: TokenIds
    response: TokenIds
    is_liked: bool
    weight: float = 1.0


def train(
    trainer: Trainer,
    examples: Sequence[Judged],
    config: UpdateConfig,
    folder: Path,
    progress: Callable[[StepReport], None],
    *,
    resume: Progress | None = None,
) -> SavedState:
    """Train the adapter that `trainer` holds, and save it below `folder`.

    In its reports `reward` is by how much liked answers have gained on disliked ones (in nats of a
    whole answer, times beta), and `kl` is z₀ per token.

    Raises:
        NothingToLearnFrom: no answer is liked, or none disliked.
        TrainingDiverged: a step came out as no finite number.
    """
    balanced = balance(examples)
    if resume is not None:
        trainer.load_state(resume.folder)
    reports: list[StepReport] = []
    for step in range(resume.step if resume else 0, config.steps):
        reports.append(_step(trainer, _batch(balanced, config, step), config, step))
        earlier = resume.reports if resume else []
        saving.save_step(trainer, folder, config, reports, earlier, {})
        progress(reports[-1])
    return saving.save_final(trainer, folder)


def balance(examples: Sequence[Judged]) -> list[Judged]:
    """Scale the weights so that each side's make up half of as many as there are examples."""
    total = {side: sum(e.weight for e in examples if e.is_liked == side) for side in (True, False)}
    if not total[True] or not total[False]:
        raise NothingToLearnFrom(
            "Learning from logged answers needs some that people liked and some that they did not."
        )
    half = len(examples) / 2
    return [replace(each, weight=each.weight * half / total[each.is_liked]) for each in examples]


def values(gains: Sequence[float], z0: float, batch: Sequence[Judged], beta: float) -> Floats:
    """How good each answer looks from z₀: between 0 and 1, with diminishing gains and losses."""
    return tuple(
        _sigmoid(beta * (gain - z0 if each.is_liked else z0 - gain))
        for gain, each in zip(gains, batch, strict=True)
    )


def weights(found: Sequence[float], batch: Sequence[Judged], beta: float) -> Floats:
    """Minus the loss's derivative with respect to each answer's log-probability.

    The loss of an answer is weight · (1 - value), and a sigmoid's slope is value · (1 - value).
    """
    return tuple(
        (1 if each.is_liked else -1) * each.weight * beta * value * (1 - value)
        for value, each in zip(found, batch, strict=True)
    )


def _step(trainer: Trainer, batch: Sequence[Judged], config: UpdateConfig, step: int) -> StepReport:
    started = time.monotonic()
    data = [Datum(each.prompt, each.response) for each in batch]
    # Each prompt with the answer to the next: what the policy says of answers it would not give.
    mismatched = [
        Datum(each.prompt, other.response)
        for each, other in zip(batch, [*batch[1:], batch[0]], strict=True)
    ]
    all_gains = _gains(trainer, [*data, *mismatched])
    gains = all_gains[: len(data)]
    z0 = max(0.0, statistics.mean(all_gains[len(data) :]))
    found = values(gains, z0, batch, config.kto_beta)
    measured = time.monotonic()
    weighted = [
        replace(datum, weights=(weight / len(data),) * len(datum.response))
        for datum, weight in zip(data, weights(found, batch, config.kto_beta), strict=True)
    ]
    trainer.forward_backward(weighted, CROSS_ENTROPY)
    norm = trainer.optim_step(Adam(config.learning_rate, config.max_gradient_norm))
    loss = statistics.mean(e.weight * (1 - v) for e, v in zip(batch, found, strict=True))
    if not math.isfinite(loss + norm):
        raise TrainingDiverged(f"Step {step + 1} gave a loss or gradient that is not finite.")
    tokens = sum(len(datum.response) for datum in data)
    return StepReport(
        step=step + 1,
        steps=config.steps,
        reward=config.kto_beta * _margin(gains, batch),
        reward_spread=config.kto_beta * statistics.pstdev(gains),
        tokens=tokens,
        mean_tokens=tokens / len(data),
        loss=loss,
        kl=z0 * len(data) / tokens,
        mismatch=0.0,
        gradient_norm=norm,
        sample_s=0.0,
        reward_s=measured - started,
        train_s=time.monotonic() - measured,
    )


def _gains(trainer: Trainer, data: Sequence[Datum]) -> list[float]:
    """By how much each whole answer's log-probability has risen since the parent."""
    policy = trainer.logprobs(data, Weights.POLICY)
    reference = trainer.logprobs(data, Weights.REFERENCE)
    return [math.fsum(p) - math.fsum(r) for p, r in zip(policy, reference, strict=True)]


def _margin(gains: Sequence[float], batch: Sequence[Judged]) -> float:
    liked, disliked = (
        [gain for gain, each in zip(gains, batch, strict=True) if each.is_liked == side]
        for side in (True, False)
    )
    return _mean(liked) - _mean(disliked)


def _batch(examples: Sequence[Judged], config: UpdateConfig, step: int) -> list[Judged]:
    """Examples in an order of the seed's own, epoch after epoch, cut into batches."""
    size = min(config.prompts * config.samples, len(examples))
    drawn: list[int] = []
    for epoch in range((step + 1) * size // len(examples) + 1):
        drawn += _order(len(examples), config, epoch)
    return [examples[number] for number in drawn[step * size : (step + 1) * size]]


def _order(count: int, config: UpdateConfig, epoch: int) -> list[int]:
    order = list(range(count))
    random.Random(f"{config.seed} judged {epoch}").shuffle(order)
    return order


def _mean(numbers: Sequence[float]) -> float:
    return statistics.mean(numbers) if numbers else 0.0


def _sigmoid(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))
