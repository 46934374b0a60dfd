"""The training loop: sample, judge, compare, step. A pure function of what it is given.

Each step draws new answers from the engine under exactly the weights of the step before, which
were published as an adapter of their own. What was sampled is what is trained: token ids and
log-probabilities come from the engine. Cut-off answers stay in: leaving them out would reward
being cut off.

Weights are divided by the step's number of tokens, so that gradient norm, KL weight and learning
rate mean the same for every batch size. The KL term on the bank is divided by the bank's own, so
that its weight does not depend on the bank's share.

Departures from RLOO: a running deviation in place of none, and a small offset that makes an average
answer slightly likelier, which stopped a late collapse in arXiv 2603.17378.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inference.contracts import Sampling
from learning.config import UpdateConfig
from learning.errors import TrainingDiverged
from learning.policy import anchors, episodes, hindsight
from learning.policy import progress as saving
from learning.policy.advantages import RunningDeviation, leave_one_out_advantages
from learning.policy.control import BankKl, kl_per_token
from learning.policy.episodes import Environment, RewardFunction
from learning.policy.hindsight import Lessons
from learning.policy.progress import FINAL, STEP, Progress, StepReport
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

__all__ = ["FINAL", "StepReport", "update"]
PromptSource = Callable[[int], Sequence[TokenIds]]
NO_LESSONS = Lessons()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a policy that calls tools or thinks is trained in: see `learning.policy.episodes`.

    `end_of_thought` is the token that ends one, None where it does not think.
    """

    environment: Environment | None = None
    end_of_thought: int | None = None


ALONE = Surroundings()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A step's samples with their advantages as weights; `bank` are those to general prompts."""

    own: list[Datum]
    bank: list[Datum]
    rewards: torch.Tensor
    sample_s: float
    reward_s: float

    @property
    def data(self) -> list[Datum]:
        return self.own + self.bank

    @property
    def tokens(self) -> int:
        return _tokens(self.data)


def update(
    trainer: Trainer,
    prompts_for: PromptSource,
    rewards_of: RewardFunction,
    config: UpdateConfig,
    folder: Path,
    progress: Callable[[StepReport], None],
    *,
    bank: Collection[TokenIds] = (),
    anchored: Sequence[Sequence[Datum]] = (),
    lessons: Lessons = NO_LESSONS,
    surroundings: Surroundings = ALONE,
    resume: Progress | None = None,
) -> SavedState:
    """Train the adapter that `trainer` holds, and save it below `folder`.

    Args:
        prompts_for: the prompts of a step.
        progress: called after every step, when its state is saved; what it raises ends the
            training.
        bank: general prompts, on which the KL from the parent is held within the gates' budget.
        anchored: what the base answers, step by step, taking turns; see `learning.policy.anchors`.
        surroundings: who says what comes of a tool call, and where thoughts end.
        resume: a step saved below `folder` from which to go on. Given the same samples, the adapter
            that comes out is that of an uninterrupted run.

    Raises:
        TrainingDiverged: a step came out as no finite number.
        CheckpointInvalid: what is to be resumed cannot be read.
    """
    general = frozenset(bank)
    deviation, budget = RunningDeviation(), BankKl(config)
    if resume is not None:
        trainer.serve(trainer.load_state(resume.folder))
        deviation.remember(resume.numbers["weight"], resume.numbers["square"])
        budget.remember(resume.numbers)
    reports: list[StepReport] = []
    for step in range(resume.step if resume else 0, config.steps):
        drawn = _draw(
            trainer,
            prompts_for(step),
            general,
            rewards_of,
            deviation,
            config,
            step,
            surroundings,
        )
        started = time.monotonic()
        if step > 0:
            drawn = _with_reference(trainer, drawn, config)
        measured = kl_per_token(_pairs(_sampled(drawn.bank), drawn.bank, "reference"))
        if sentence := budget.stops(measured):
            before = folder / f"{STEP}{step - 1}"
            if measured > config.max_bank_kl and before.exists():
                trainer.load_state(before)
            progress(_report(drawn, config, step, bank_kl=measured, sentence=sentence))
            break
        budget.follow(measured)
        held = anchors.hold(trainer, anchored[step % len(anchored)], config) if anchored else 0.0
        loss, first, norm = _learn(trainer, drawn, budget.weight, lessons, config, step)
        if not math.isfinite(loss + norm):
            raise TrainingDiverged(f"Step {step + 1} gave a loss or gradient that is not finite.")
        reports.append(
            _report(
                drawn,
                config,
                step,
                loss=loss,
                kl=0.5 * _mean((lp - r) ** 2 for lp, r in _pairs(first, drawn.data, "reference")),
                mismatch=_mean(abs(lp - q) for lp, q in _pairs(first, drawn.data, "sampled")),
                gradient_norm=norm,
                train_s=time.monotonic() - started,
                bank_kl=measured,
                bank_kl_weight=budget.weight,
                anchor_change=held,
            )
        )
        numbers = {**deviation.numbers(), **budget.numbers()}
        earlier = resume.reports if resume else []
        state = saving.save_step(trainer, folder, config, reports, earlier, numbers)
        progress(reports[-1])
        if step + 1 < config.steps:
            trainer.serve(state)
    return saving.save_final(trainer, folder)


def _draw(
    trainer: Trainer,
    prompts: Sequence[TokenIds],
    general: frozenset[TokenIds],
    rewards_of: RewardFunction,
    deviation: RunningDeviation,
    config: UpdateConfig,
    step: int,
    surroundings: Surroundings,
) -> Drawn:
    started = time.monotonic()
    groups = episodes.play(
        trainer,
        prompts,
        _sampling(config, step),
        config.samples,
        surroundings.environment,
        config.turns,
    )
    sampled = time.monotonic()
    rewards = torch.tensor(episodes.judged(groups, rewards_of))
    advantages = deviation.divide(leave_one_out_advantages(rewards)) + config.advantage_offset
    masked = None if config.train_on_thoughts else surroundings.end_of_thought
    data = episodes.data_of(groups, advantages.tolist(), masked)
    return Drawn(
        own=[datum for datum in data if datum.prompt not in general],
        bank=[datum for datum in data if datum.prompt in general],
        rewards=rewards,
        sample_s=sampled - started,
        reward_s=time.monotonic() - sampled,
    )


def _learn(
    trainer: Trainer,
    drawn: Drawn,
    bank_kl_weight: float,
    lessons: Lessons,
    config: UpdateConfig,
    step: int,
) -> tuple[float, list[Floats], float]:
    """`passes` optimizer steps on the same samples. Loss and log-probabilities are the first's.

    Before the first step of all nothing has moved: the KL term and its gradient are zero, and are
    left out with the reference's log-probabilities.
    """
    adam = Adam(config.learning_rate, config.max_gradient_norm)
    parts = [(drawn.own, config.kl_weight), (drawn.bank, bank_kl_weight)]
    parts = [(data, weight if step > 0 else 0.0) for data, weight in parts if data]
    # The KL weight of people's prompts is per token of the whole step, as their advantages are.
    per = [drawn.tokens if data is drawn.own else _tokens(data) for data, _ in parts]
    losses = [_loss(config, weight / count) for (_, weight), count in zip(parts, per, strict=True)]
    value = 0.0
    first: list[Floats] = []
    for (data, _), loss in zip(parts, losses, strict=True):
        output = trainer.forward_backward(data, loss)
        value += output.loss
        first += output.logprobs
    hindsight.learn(trainer, lessons, config, _sampling(config, step), step)
    norm = trainer.optim_step(adam)
    old = iter(first)
    again = [[replace(datum, old_logprobs=next(old)) for datum in data] for data, _ in parts]
    for _ in range(config.passes - 1):
        for data, loss in zip(again, losses, strict=True):
            trainer.forward_backward(data, loss)
        trainer.optim_step(adam)
    return value, first, norm


def _loss(config: UpdateConfig, kl_weight: float) -> Loss:
    return Loss(
        LossKind.PPO,
        clip_low=config.clip_low,
        clip_high=config.clip_high,
        ratio_cap=config.ratio_cap,
        kl_weight=kl_weight,
        temperature=config.temperature,
    )


def _with_reference(trainer: Trainer, drawn: Drawn, config: UpdateConfig) -> Drawn:
    data = drawn.data
    reference = trainer.logprobs(data, Weights.REFERENCE, temperature=config.temperature)
    known = [
        replace(datum, reference_logprobs=logprobs)
        for datum, logprobs in zip(data, reference, strict=True)
    ]
    return replace(drawn, own=known[: len(drawn.own)], bank=known[len(drawn.own) :])


def _report(
    drawn: Drawn,
    config: UpdateConfig,
    step: int,
    *,
    loss: float = 0.0,
    kl: float = 0.0,
    mismatch: float = 0.0,
    gradient_norm: float = 0.0,
    train_s: float = 0.0,
    bank_kl: float,
    bank_kl_weight: float = 0.0,
    anchor_change: float = 0.0,
    sentence: str = "",
) -> StepReport:
    return StepReport(
        step=step + 1,
        steps=config.steps,
        reward=float(drawn.rewards.mean()),
        reward_spread=float(drawn.rewards.std()),
        tokens=drawn.tokens,
        mean_tokens=drawn.tokens / len(drawn.data),
        loss=loss,
        kl=kl,
        mismatch=mismatch,
        gradient_norm=gradient_norm,
        sample_s=drawn.sample_s,
        reward_s=drawn.reward_s,
        train_s=train_s,
        bank_kl=bank_kl,
        bank_kl_weight=bank_kl_weight,
        anchor_change=anchor_change,
        sentence=sentence,
    )


def _sampling(config: UpdateConfig, step: int) -> Sampling:
    """Nothing is cut off the distribution: only then are its log-probabilities the policy's."""
    return Sampling(
        temperature=config.temperature,
        top_p=1.0,
        max_tokens=config.max_new_tokens,
        seed=config.seed * 1000 + step,
    )


def _sampled(data: Sequence[Datum]) -> list[Floats]:
    return [datum.sampled_logprobs for datum in data]


def _pairs(
    logprobs: Sequence[Floats], data: Sequence[Datum], kind: str
) -> Iterator[tuple[float, float]]:
    """Ours and theirs, token by token; none for data that lack theirs."""
    for datum, ours in zip(data, logprobs, strict=True):
        theirs = getattr(datum, f"{kind}_logprobs")
        if theirs:
            yield from zip(ours, theirs, strict=True)


def _tokens(data: Sequence[Datum]) -> int:
    return sum(len(datum.response) for datum in data)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
