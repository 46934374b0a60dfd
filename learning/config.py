"""Hyperparameters, frozen and saved with every checkpoint. Imports no ML library.

The main dial of an update is `UpdateConfig.steps`. The defaults suit a 135M model on a few CPU
cores; `for_billions` gives those for 4B to 8B models on a GPU.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

# What the reward head sees of an answer; also the width of the features' column.
FEATURE_DIMENSIONS = 128


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Algorithm(StrEnum):
    """The loss over sampled answers; see `learning.policy.losses`."""

    IMPORTANCE_SAMPLING = "importance_sampling"
    PPO = "ppo"


class RewardConfig(Frozen):
    """The reward head. Weights are exponents on a judgement's likelihood."""

    up_weight: float = 0.5
    down_weight: float = 1.0
    pair_weight: float = 2.0
    flip_rate: float = Field(0.1, ge=0, lt=0.5, description="how often a judgement is a slip")
    prior_sd: float = Field(4.0, gt=0, description="of a weight on a feature")
    bias_sd: float = Field(1.0, gt=0)
    caution: float = Field(1.0, ge=0, description="standard deviations taken off the mean reward")


class UpdateConfig(Frozen):
    """One training run of the policy."""

    steps: int = Field(4, ge=1)
    prompts: int = Field(8, ge=1, description="prompts a step")
    samples: int = Field(4, ge=2, description="replies a prompt; one has nothing to compare with")
    max_prompt_tokens: int = Field(1024, ge=1, description="longer prompts are left out")
    max_new_tokens: int = Field(32, ge=1)
    temperature: float = Field(1.0, gt=0)
    bank_share: float = Field(0.2, ge=0, le=1, description="share of general prompts of our own")
    fresh_share: float = Field(0.6, ge=0, le=1, description="of the rest: newest judged prompts")
    algorithm: Algorithm = Algorithm.PPO
    passes: int = Field(1, ge=1, description="optimizer steps on the same samples")
    clip_low: float = 0.2
    clip_high: float = 0.28
    ratio_cap: float = 2.0
    kl_weight: float = 0.02
    learning_rate: float = Field(5e-4, gt=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    rank: int = Field(8, ge=1)
    alpha: int = Field(16, ge=1)
    seed: int = 0

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
    """What an adapter may not exceed. `learning.evaluation.gates` says why these numbers."""

    max_weight: float = 100.0
    min_slope: float = 0.35
    max_slope: float = 1.5
    max_noise_ratio: float = 2.0
    noise_share: float = 0.5
    min_certainty: float = 8.0
    max_text_loss_rise: float = 0.02
    max_kl: float = 0.05
    texts: int = Field(16, ge=1, description="bank texts measured with the trainer and the engine")
    prompts: int = Field(16, ge=1, description="bank prompts answered for the KL gate")
    max_new_tokens: int = Field(32, ge=1)
