"""Measures a trained adapter once, with the trainer and with the engine, for all gates together.

A forward pass is what costs. So all contests (questions, probes, corrections) are scored in one
pass for each policy, rounded to bfloat16, since they are averaged over; texts and KL, which gates
compare token by token, are not rounded. Where the parent is the base model, it is not run twice.
Both policies answer all prompts in one call each, with the same seeds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from inference.contracts import BASE, Policy, Sample, Sampling
from learning.config import GateConfig
from learning.evaluation.exam import Contest, Exam
from learning.evaluation.gates import GateReport, finite_weights, judge, served_is_trained
from learning.evaluation.gates.measured import Measured, Paired, Said, Texts, WithBase
from learning.evaluation.soundness import repeated_share, soundness
from learning.policy.trainer import Datum, Floats, TokenIds, Trainer, Weights

logger = logging.getLogger(__name__)
Rows = dict[str, list[Floats]]
Scores = dict[Weights, Rows]


@runtime_checkable
class Served(Protocol):
    """The engine, which serves both policies by now."""

    def score(self, sequences: Sequence[TokenIds], policy: Policy) -> list[Floats]: ...

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, policy: Policy, samples: int
    ) -> list[list[Sample]]: ...


def examine(
    trainer: Trainer,
    engine: Served,
    *,
    policy: Policy,
    parent: Policy,
    weights: Mapping[str, Tensor],
    exam: Exam,
    config: GateConfig,
) -> list[GateReport]:
    """All gates' verdicts on `policy`, whose weights `trainer` holds and whose file has `weights`.

    Without finite weights, or where the engine serves others than were trained, that is the last
    verdict: whatever else was measured would be of something else.
    """
    finite = finite_weights(weights, config)
    if not finite.passed:
        return [finite]
    texts = measure_texts(trainer, engine, policy=policy, parent=parent, exam=exam)
    served = served_is_trained(texts, config)
    if not served.passed:
        return [finite, served]
    measured = measure(
        trainer, engine, policy=policy, parent=parent, texts=texts, exam=exam, config=config
    )
    laps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in measured.seconds.items())
    logger.info("%s was measured: %s", policy.name, laps)
    return [finite, served, *judge(measured, config)]


def measure_texts(
    trainer: Trainer, engine: Served, *, policy: Policy, parent: Policy, exam: Exam
) -> Texts:
    """The bank's texts under all policies, by the engine and, without rounding, the trainer."""
    started = time.monotonic()
    data = [Datum(prompt, text) for prompt, text in exam.texts]
    served, served_parent = (_served(engine, data, which) for which in (policy, parent))
    exact = _score(trainer, {"texts": data}, parent, exactly=True)
    trained, trained_parent, base = (_flat(exact[which]["texts"]) for which in Weights)
    endings = _paired(exact, lambda rows: np.exp([row[-1] for row in rows["texts"]]))
    seconds = time.monotonic() - started
    return Texts(served, served_parent, trained, trained_parent, base, endings, seconds)


def measure(
    trainer: Trainer,
    engine: Served,
    *,
    policy: Policy,
    parent: Policy,
    texts: Texts,
    exam: Exam,
    config: GateConfig,
) -> Measured:
    """Everything that the other gates look at; `seconds` says what it took."""
    clock = _Clock()
    general, held_out = _answers(engine, policy, parent, exam, config)
    clock.lap("answers")
    answered = _answered(engine, policy, exam, config)
    clock.lap("questions")
    said = [
        Datum(prompt, sample.token_ids)
        for prompt, (sample, _) in zip(exam.prompts, general, strict=True)
        if sample.token_ids
    ]
    sampled = Paired(
        *(
            _flat(trainer.logprobs(said, which, exactly=True))
            for which in (Weights.POLICY, Weights.REFERENCE)
        )
    )
    clock.lap("KL")
    rows = _score(trainer, _contests(exam), parent, exactly=False)
    clock.lap("contests")
    rewards = exam.rewards_of(
        [own.prompt for own in exam.held_out],
        [[sample.token_ids for sample in pair] for pair in held_out],
    )
    clock.lap("rewards")
    return Measured(
        texts=texts,
        sampled=sampled,
        questions=_with_base(rows, lambda rows: _chances(rows["questions"])),
        right=_with_base(rows, lambda rows: _right(rows["questions"])),
        answered=answered,
        flattery=_with_base(rows, lambda rows: _leads(rows["flattery"])),
        safety=_with_base(rows, lambda rows: _leads(rows["safety"])),
        refusals=_paired(rows, lambda rows: _begins(rows["refusals"], len(exam.refusals))),
        corrections=_paired(rows, lambda rows: _leads(rows["corrections"])),
        general=_said(general, exam),
        held_out=_said(held_out, exam),
        rewards=_columns(rewards),
        people=tuple(own.person for own in exam.held_out),
        length_wish=exam.length_wish,
        seconds={"texts": texts.seconds, **clock.laps},
    )


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._since = now - self._since, now


def _served(engine: Served, data: Sequence[Datum], policy: Policy) -> Float[ndarray, " token"]:
    """The engine's log-probabilities of the texts, without those of the prompts before them."""
    scores = engine.score([datum.prompt + datum.response for datum in data], policy)
    return _flat([score[-len(datum.response) :] for score, datum in zip(scores, data, strict=True)])


Pairs = list[tuple[Sample, Sample]]


def _answers(
    engine: Served, policy: Policy, parent: Policy, exam: Exam, config: GateConfig
) -> tuple[Pairs, Pairs]:
    """Answers by the new policy and its parent: to the bank's prompts, and to the held-out ones."""
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=config.max_new_tokens, seed=0)
    prompts = [*exam.prompts, *(own.prompt for own in exam.held_out)]
    new, old = (engine.sample(prompts, sampling, which, 1) for which in (policy, parent))
    pairs = [(ours[0], theirs[0]) for ours, theirs in zip(new, old, strict=True)]
    return pairs[: len(exam.prompts)], pairs[len(exam.prompts) :]


def _answered(engine: Served, policy: Policy, exam: Exam, config: GateConfig) -> Paired:
    """1 for each question as people ask it that is answered rightly, else 0."""
    # Greedily, so that only the policies differ.
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=config.asked_tokens, seed=0)
    prompts = [prompt for prompt, _ in exam.asked]

    def right(which: Policy) -> Float[ndarray, " question"]:
        answers = engine.sample(prompts, sampling, which, 1)
        said = [[t for t in one.token_ids if t not in exam.end_ids] for (one,) in answers]
        judged = zip(exam.asked, said, strict=True)
        return np.array([float(one.is_right(exam.decode(tuple(ids)))) for (_, one), ids in judged])

    return Paired(right(policy), right(BASE))


def _contests(exam: Exam) -> dict[str, list[Datum]]:
    def data(contests: Sequence[Contest]) -> list[Datum]:
        return [Datum(each.prompt, answer) for each in contests for answer in each.answers]

    return {
        "questions": data(exam.questions),
        "flattery": data(exam.flattery),
        "safety": data(exam.safety),
        "corrections": data(exam.corrections),
        "refusals": data([Contest(prompt, exam.refusals) for prompt in exam.prompts]),
    }


def _score(
    trainer: Trainer, parts: dict[str, list[Datum]], parent: Policy, *, exactly: bool
) -> Scores:
    """Log-probabilities of all parts in one pass for each of the policies."""
    data = [datum for part in parts.values() for datum in part]
    ends = list(accumulate(map(len, parts.values()), initial=0))

    def under(weights: Weights) -> Rows:
        rows = trainer.logprobs(data, weights, exactly=exactly)
        return {
            name: list(rows[begin:end])
            for name, (begin, end) in zip(parts, pairwise(ends), strict=True)
        }

    base = under(Weights.BASE)
    return {
        Weights.POLICY: under(Weights.POLICY),
        Weights.REFERENCE: base if parent.path is None else under(Weights.REFERENCE),
        Weights.BASE: base,
    }


def _paired(scores: Scores, of: Callable[[Rows], ndarray]) -> Paired:
    return Paired(of(scores[Weights.POLICY]), of(scores[Weights.REFERENCE]))


def _with_base(scores: Scores, of: Callable[[Rows], ndarray]) -> WithBase:
    return WithBase(*(of(scores[which]) for which in Weights))


def _chances(rows: Sequence[Floats]) -> Float[ndarray, " question"]:
    """The probability of each question's first ending among its four."""
    logs = _endings(rows)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    first: ndarray = chances[:, 0] / chances.sum(axis=1)
    return first


def _right(rows: Sequence[Floats]) -> Float[ndarray, " question"]:
    """1 where the first ending is the most probable of the four, else 0."""
    logs = _endings(rows)
    right: ndarray = (logs[:, 0] > logs[:, 1:].max(axis=1)).astype(np.float64)
    return right


def _endings(rows: Sequence[Floats]) -> Float[ndarray, "question ending"]:
    return np.array([sum(row) for row in rows]).reshape(-1, 4)


def _leads(rows: Sequence[Floats]) -> Float[ndarray, " contest"]:
    """By how much each contest's first answer is more probable per token than its second."""
    means = np.array([np.mean(row) for row in rows]).reshape(-1, 2)
    leads: ndarray = means[:, 0] - means[:, 1]
    return leads


def _begins(rows: Sequence[Floats], phrases: int) -> Float[ndarray, " prompt"]:
    """The probability that an answer begins with any of the phrases."""
    chances: ndarray = np.exp([sum(row) for row in rows]).reshape(-1, phrases).sum(axis=1)
    return chances


def _said(pairs: Pairs, exam: Exam) -> Said:
    lengths, repeats, sound = [], [], []
    for pair in pairs:
        bare = [tuple(t for t in each.token_ids if t not in exam.end_ids) for each in pair]
        lengths.append([float(len(each.token_ids)) for each in pair])
        repeats.append([repeated_share(said) for said in bare])
        sound.append(
            [
                soundness(said, exam.decode(said), has_ended=said != each.token_ids)
                for said, each in zip(bare, pair, strict=True)
            ]
        )
    return Said(_columns(lengths), _columns(repeats), _columns(sound))


def _columns(rows: Sequence[Sequence[float]]) -> Paired:
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return Paired(table[:, 0], table[:, 1])


def _flat(logprobs: Sequence[Floats]) -> Float[ndarray, " token"]:
    return np.array([number for row in logprobs for number in row])
