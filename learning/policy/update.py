"""The training loop: sample, judge, compare, step. A pure function of what it is given.

Each step draws new answers from the engine under exactly the weights of the step before, which
were published as an adapter of their own. What was sampled is what is trained: token ids and
log-probabilities come from the engine.

Weights are divided by the step's number of tokens, so that gradient norm, KL weight and learning
rate mean the same for every batch size.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inference.contracts import Sample, Sampling
from learning.config import UpdateConfig
from learning.errors import TrainingDiverged
from learning.policy.advantages import RunningDeviation, leave_one_out_advantages
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

PromptSource = Callable[[int], Sequence[TokenIds]]
RewardFunction = Callable[[Sequence[TokenIds], Sequence[Sequence[TokenIds]]], list[list[float]]]
FINAL = "final"


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did. `kl` is half the mean squared change of log-probability from the parent,
    `mismatch` the mean absolute difference between engine and trainer on the same weights."""

    step: int
    steps: int
    reward: float
    reward_spread: float
    tokens: int
    mean_tokens: float
    loss: float
    kl: float
    mismatch: float
    gradient_norm: float
    sample_s: float
    reward_s: float
    train_s: float


def update(
    trainer: Trainer,
    prompts_for: PromptSource,
    rewards_of: RewardFunction,
    config: UpdateConfig,
    folder: Path,
    progress: Callable[[StepReport], None],
) -> SavedState:
    """Train the adapter that `trainer` holds, and save it below `folder`.

    Args:
        prompts_for: the prompts of a step.
        progress: called after every step; what it raises ends the training.

    Raises:
        TrainingDiverged: a step came out as no finite number.
    """
    deviation = RunningDeviation()
    for step in range(config.steps):
        started = time.monotonic()
        prompts = prompts_for(step)
        groups = trainer.sample(prompts, _sampling(config, step), config.samples)
        sampled = time.monotonic()
        rewards = torch.tensor(
            rewards_of(prompts, [[sample.token_ids for sample in group] for group in groups])
        )
        advantages = deviation.divide(leave_one_out_advantages(rewards))
        rewarded = time.monotonic()
        data = _with_reference(trainer, _data(prompts, groups, advantages), config)
        tokens = sum(len(datum.response) for datum in data)
        loss, first, norm = _learn(trainer, data, config)
        if not math.isfinite(loss + norm):
            raise TrainingDiverged(f"Step {step + 1} gave a loss or gradient that is not finite.")
        trained = time.monotonic()
        progress(
            StepReport(
                step=step + 1,
                steps=config.steps,
                reward=float(rewards.mean()),
                reward_spread=float(rewards.std()),
                tokens=tokens,
                mean_tokens=tokens / len(data),
                loss=loss,
                kl=0.5 * _mean((lp - r) ** 2 for lp, r in _pairs(first, data, "reference")),
                mismatch=_mean(abs(lp - q) for lp, q in _pairs(first, data, "sampled")),
                gradient_norm=norm,
                sample_s=sampled - started,
                reward_s=rewarded - sampled,
                train_s=trained - rewarded,
            )
        )
        if step + 1 < config.steps:
            trainer.publish_sampler(folder / f"step-{step + 1}")
    return trainer.save_state(folder / FINAL)


def _learn(
    trainer: Trainer, data: list[Datum], config: UpdateConfig
) -> tuple[float, tuple[Floats, ...], float]:
    """`passes` optimizer steps on the same samples. Loss and log-probabilities are the first's."""
    loss = Loss(
        LossKind(config.algorithm),
        clip_low=config.clip_low,
        clip_high=config.clip_high,
        ratio_cap=config.ratio_cap,
        kl_weight=config.kl_weight / sum(len(datum.response) for datum in data),
        temperature=config.temperature,
    )
    adam = Adam(config.learning_rate, config.max_gradient_norm)
    first = trainer.forward_backward(data, loss)
    norm = trainer.optim_step(adam)
    again = [
        replace(datum, old_logprobs=logprobs)
        for datum, logprobs in zip(data, first.logprobs, strict=True)
    ]
    for _ in range(config.passes - 1):
        trainer.forward_backward(again, loss)
        trainer.optim_step(adam)
    return first.loss, first.logprobs, norm


def _data(
    prompts: Sequence[TokenIds], groups: Sequence[Sequence[Sample]], advantages: torch.Tensor
) -> list[Datum]:
    """A datum per sample, cut-off answers too: leaving those out would reward being cut off."""
    tokens = sum(len(sample.token_ids) for group in groups for sample in group)
    return [
        Datum(
            prompt,
            sample.token_ids,
            weights=(float(advantage) / tokens,) * len(sample.token_ids),
            sampled_logprobs=sample.logprobs,
        )
        for prompt, group, row in zip(prompts, groups, advantages, strict=True)
        for sample, advantage in zip(group, row, strict=True)
    ]


def _with_reference(trainer: Trainer, data: list[Datum], config: UpdateConfig) -> list[Datum]:
    reference = trainer.logprobs(data, Weights.REFERENCE, temperature=config.temperature)
    return [
        replace(datum, reference_logprobs=logprobs)
        for datum, logprobs in zip(data, reference, strict=True)
    ]


def _sampling(config: UpdateConfig, step: int) -> Sampling:
    """Nothing is cut off the distribution: only then are its log-probabilities the policy's."""
    return Sampling(
        temperature=config.temperature,
        top_p=1.0,
        max_tokens=config.max_new_tokens,
        seed=config.seed * 1000 + step,
    )


def _pairs(
    logprobs: Sequence[Floats], data: Sequence[Datum], kind: str
) -> Iterator[tuple[float, float]]:
    for datum, ours in zip(data, logprobs, strict=True):
        yield from zip(ours, getattr(datum, f"{kind}_logprobs"), strict=True)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
