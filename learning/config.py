"""Hyperparameters, frozen and saved with every checkpoint. Imports no ML library.

The main dial of an update is `UpdateConfig.steps`. The defaults suit a 135M model on a few CPU
cores; `for_billions` gives those for 4B to 8B models on a GPU.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

# What the reward head sees of an answer; also the width of the features' column.
FEATURE_DIMENSIONS = 128


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Algorithm(StrEnum):
    """How an update learns: from new answers that the reward model judges (`policy.update`), or
    from logged answers as people judged them (`policy.kto`)."""

    RLOO = "rloo"
    KTO = "kto"


class RewardConfig(Frozen):
    """The reward head. Weights are exponents on a judgement's likelihood."""

    up_weight: float = 0.5
    down_weight: float = 1.0
    pair_weight: float = 2.0
    remark_weight: float = Field(0.5, ge=0, description="of words that are surely meant so")
    flip_rate: float = Field(0.1, ge=0, lt=0.5, description="how often a judgement is a slip")
    prior_sd: float = Field(4.0, gt=0, description="of a weight on a feature, until a refit")
    prior_sds: tuple[float, ...] = Field((1.0, 2.0, 4.0, 8.0), description="what a refit tries")
    bias_sd: float = Field(1.0, gt=0)
    caution: float = Field(1.0, ge=0, description="standard deviations taken off the mean reward")
    folds: int = Field(8, ge=2, description="bootstrap heads, each of which hears half the people")
    crowd: int = Field(5, ge=1, description="people from whose number on each has a cap")
    free_weight: float = Field(4.0, ge=0, description="what everyone may weigh, whatever the cap")
    largest_share: float = Field(0.05, gt=0, le=1, description="of all weight, for one person")
    fair_shares: float = Field(1.25, gt=1, description="equal parts of all weight, for one person")
    matched_ratio: float = Field(1.5, ge=1, description="of lengths; above, edits are cut alike")
    drift_turned: float = Field(0.8, gt=0.5, lt=1, description="how much of the head's view turns")
    drift_limit: float = Field(8.0, gt=0, description="nats in favour of that which mean drift")
    drift_memory: float = Field(0.1, gt=0, le=1, description="what is left of earlier judgements")
    personal_sd: float = Field(1.5, gt=0, description="of a person's weight on top of everyone's")
    recent: int = Field(256, ge=1, description="newest answers that influence and length look at")


class UpdateConfig(Frozen):
    """One training run of the policy. What is left of fresh and bank prompts are older ones.

    `kl_weight` is per token of people's prompts, `bank_kl_weight` per token of the bank's. The
    latter is where a controller starts that holds the KL on the bank at `target_bank_kl`.
    """

    algorithm: Algorithm = Algorithm.RLOO
    steps: int = Field(8, ge=1)
    prompts: int = Field(8, ge=1, description="prompts a step")
    samples: int = Field(4, ge=2, description="replies a prompt; one has nothing to compare with")
    max_prompt_tokens: int = Field(1024, ge=1, description="longer prompts are left out")
    max_new_tokens: int = Field(48, ge=1)
    temperature: float = Field(1.0, gt=0)
    fresh_share: float = Field(0.5, ge=0, le=1, description="of the prompts: newest answers'")
    bank_share: float = Field(0.2, ge=0, le=1, description="of the prompts: general ones, our own")
    turns: int = Field(4, ge=1, description="of an answer that calls tools")
    train_on_thoughts: bool = Field(True, description="else what was thought has no weight")
    advantage_offset: float = Field(0.03, description="in deviations; keeps late steps alive")
    passes: int = Field(1, ge=1, description="optimizer steps on the same samples")
    clip_low: float = Field(0.2, gt=0, lt=1)
    clip_high: float = Field(0.28, gt=0)
    ratio_cap: float = Field(2.0, gt=0)
    kl_weight: float = Field(0.02, ge=0)
    bank_kl_weight: float = Field(0.5, ge=0)
    target_bank_kl: float = Field(0.02, gt=0, description="nats per token, on the bank's samples")
    max_bank_kl: float = Field(0.05, gt=0, description="an update stops before it leaves this")
    anchors: int = Field(6, ge=0, description="short questions a step, held to the base's answers")
    anchor_samples: int = Field(2, ge=1, description="answers of the base to each of them")
    anchor_tokens: int = Field(20, ge=1, description="of such an answer that are looked at")
    anchor_weight: float = Field(2.0, ge=0, description="per token of them")
    kto_beta: float = Field(0.1, gt=0, description="per nat of a whole answer")
    max_judged_tokens: int = Field(256, ge=1, description="KTO reads an answer as far as this")
    hindsight_share: float = Field(0.0, ge=0, le=0.25, description="of samples, from words")
    hindsight_cap: float = Field(2.0, gt=0, description="nats that words may move a token by")
    correction_weight: float = Field(0.0, ge=0, description="of corrected spans, in each step")
    learning_rate: float = Field(4e-4, gt=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    rank: int = Field(8, ge=1, le=32)
    alpha: int = Field(16, ge=1)
    seed: int = 0

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.fresh_share + self.bank_share > 1:
            raise ValueError("fresh_share and bank_share add up to more than 1")
        if self.target_bank_kl > self.max_bank_kl:
            raise ValueError("target_bank_kl is above max_bank_kl")
        return self

    def changed(self, **fields: object) -> Self:
        """A copy with these fields, validated like any other. Raises ValueError."""
        return type(self).model_validate({**self.model_dump(), **fields})

    @classmethod
    def for_billions(cls) -> Self:
        """For models of 4B to 8B on a GPU, after published runs."""
        return cls(
            prompts=16,
            samples=8,
            max_prompt_tokens=4096,
            max_new_tokens=512,
            learning_rate=2e-5,
            rank=16,
            alpha=32,
        )


class GateConfig(Frozen):
    """What an adapter may not exceed. The modules in `learning.evaluation.gates` say why."""

    max_weight: float = 100.0
    min_slope: float = 0.35
    max_slope: float = 1.5
    max_noise_ratio: float = 2.0
    noise_share: float = 0.5
    min_certainty: float = 8.0
    max_text_loss_rise: float = 0.02
    max_kl: float = Field(0.05, description="nats per token")
    max_questions_drop: float = Field(1.0, description="points, beyond what chance explains")
    max_unsure_drop: float = Field(3.0, description="points, whatever chance explains")
    max_answers_drop: float = Field(1.0, description="points, beyond what chance explains")
    min_rise_chance: float = Field(0.2, ge=0, le=1, description="that the reward rose")
    max_rule_drop: float = 0.02
    min_corrections_kept: float = Field(0.95, ge=0, le=1)
    rounding: float = Field(0.02, description="of a mean log-probability per token")
    min_length_ratio: float = 0.7
    max_length_ratio: float = 1.4
    min_wished_length_ratio: float = Field(0.5, description="where people ask for shorter answers")
    max_wished_length_ratio: float = Field(2.0, description="where people ask for longer answers")
    max_repetition_rise: float = 0.03
    max_refusal_change: float = 0.03
    max_probe_drop: float = Field(0.05, description="nats per token, from the parent")
    max_probe_drop_from_base: float = Field(0.15, description="nats per token, from the base")
    min_people: int = Field(10, ge=2, description="to compare the worst tenth of them")
    texts: int = Field(16, ge=1, description="bank texts measured with the trainer and the engine")
    prompts: int = Field(16, ge=1, description="bank prompts answered")
    questions: int = Field(100, ge=1, description="general questions asked")
    asked: int = Field(300, ge=1, description="questions that the engine answers")
    asked_tokens: int = Field(24, ge=1, description="of an answer to one of them")
    probes: int = Field(24, ge=2, description="of flattery, and as many of safety")
    held_out: int = Field(48, ge=2, description="prompts answered that were not trained on")
    max_new_tokens: int = Field(48, ge=1)
    max_prompt_tokens: int = Field(512, ge=1, description="longer ones of people are left out")
    corrections: int = Field(64, ge=0, description="newest ones of people that are looked at")
    correction_tokens: int = Field(4096, ge=0, description="of all of them together")
