"""Measures a trained adapter once, with the trainer and with the engine, for all gates together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from inference.contracts import Policy, Sample, Sampling
from learning.config import GateConfig
from learning.evaluation import gates
from learning.evaluation.gates import GateReport
from learning.policy.trainer import Datum, Floats, TokenIds, Trainer, Weights


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
    texts: Sequence[tuple[TokenIds, TokenIds]],
    prompts: Sequence[TokenIds],
    config: GateConfig,
) -> list[GateReport]:
    """All gates' verdicts on `policy`, whose weights `trainer` holds and whose file has `weights`.

    Args:
        texts: the bank's questions and answers, rendered as chats.
        prompts: the bank's questions alone.
    """
    finite = gates.finite_weights(weights, config)
    if not finite.passed:
        return [finite]
    data = [Datum(prompt, text) for prompt, text in texts]
    trained, trained_parent, base = (
        _flat(trainer.logprobs(data, which, exactly=True))
        for which in (Weights.POLICY, Weights.REFERENCE, Weights.BASE)
    )
    served, served_parent = (_served(engine, data, which) for which in (policy, parent))
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=config.max_new_tokens, seed=0)
    answers = [
        Datum(prompt, sample.token_ids)
        for prompt, group in zip(prompts, engine.sample(prompts, sampling, policy, 1), strict=True)
        for sample in group
    ]
    moved, stayed = (
        _flat(trainer.logprobs(answers, which, exactly=True))
        for which in (Weights.POLICY, Weights.REFERENCE)
    )
    return [
        finite,
        gates.served_is_trained(served, served_parent, trained, trained_parent, config),
        gates.general_text_not_worse(trained, base, config),
        gates.kl_on_bank(moved, stayed, config),
    ]


def _served(engine: Served, data: Sequence[Datum], policy: Policy) -> Float[ndarray, " token"]:
    """The engine's log-probabilities of the texts, without those of the prompts before them."""
    scores = engine.score([datum.prompt + datum.response for datum in data], policy)
    return _flat([score[-len(datum.response) :] for score, datum in zip(scores, data, strict=True)])


def _flat(logprobs: Sequence[Floats]) -> Float[ndarray, " token"]:
    return np.array([number for row in logprobs for number in row])
