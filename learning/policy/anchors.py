"""Holds a policy to what the base model answers to short questions of fact, in each step.

The KL term on the bank looks at open questions, and back to the parent only: update by update a
policy lost four points of what it answered rightly, and children could not give back what a parent
had lost. Here the base's own answers are scored, drawn once an update, and the squared
change of each token's log-probability from the base's is what the term punishes. Where nothing has
moved it does nothing, and what a parent has lost it wins back.

Answers are the base's and not the policy's: they need no sampling between steps, and are what has
to stay likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inference.contracts import Sample, Sampling
from learning.config import UpdateConfig
from learning.policy.trainer import Datum, Loss, LossKind, TokenIds, Trainer, Weights

# Close to the answers that people get, yet not the same one twice.
TEMPERATURE = 0.7


def sampling(config: UpdateConfig) -> Sampling:
    return Sampling(
        temperature=TEMPERATURE, top_p=1.0, max_tokens=config.anchor_tokens, seed=config.seed
    )


def by_step(
    prompts: Sequence[TokenIds], groups: Sequence[Sequence[Sample]], config: UpdateConfig
) -> list[list[Datum]]:
    """The base's answers in parts of `config.anchors` prompts."""
    data = [
        [
            Datum(prompt, sample.token_ids, (0.0,) * len(sample.token_ids), sample.logprobs)
            for sample in group
            if sample.token_ids
        ]
        for prompt, group in zip(prompts, groups, strict=True)
    ]
    size = config.anchors
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return [[datum for group in part for datum in group] for part in parts]


def hold(trainer: Trainer, data: Sequence[Datum], config: UpdateConfig) -> float:
    """Add the term's gradient to what has accumulated; half the mean squared change so far."""
    tokens = sum(len(datum.response) for datum in data)
    if not tokens or not config.anchor_weight:
        return 0.0
    base = trainer.logprobs(data, Weights.BASE, temperature=config.temperature)
    known = [replace(datum, reference_logprobs=lp) for datum, lp in zip(data, base, strict=True)]
    weight = config.anchor_weight / tokens
    loss = Loss(LossKind.PPO, kl_weight=weight, temperature=config.temperature)
    return trainer.forward_backward(known, loss).loss / config.anchor_weight
