"""The trainer protocol: what the learning loop may ask of whoever holds the weights.

After the Tinker API: `forward_backward`, `optim_step`, `sample`, `save_state`, and what is needed
around them. Losses are sums over tokens, weights may be negative, gradients accumulate until
`optim_step`, which clears them. Every publish is a new immutable adapter. The loop never knows
which backend it talks to.

It departs from Tinker's wire format in that a datum is a prompt and a response rather than one
pre-shifted sequence: only response tokens are ever scored here, and a backend that knows this
computes the vocabulary's softmax for those alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from inference.contracts import Sample, Sampling

TokenIds = tuple[int, ...]
Floats = tuple[float, ...]


class LossKind(StrEnum):
    CROSS_ENTROPY = "cross_entropy"
    IMPORTANCE_SAMPLING = "importance_sampling"
    PPO = "ppo"


@dataclass(frozen=True, slots=True)
class Loss:
    """Which loss, and its constants; `learning.policy.losses` has the formulas.

    `temperature` divides the logits, so that the distribution scored is the one sampled from.
    """

    kind: LossKind
    clip_low: float = 0.2
    clip_high: float = 0.28
    ratio_cap: float = 2.0
    kl_weight: float = 0.0
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Datum:
    """A response to a prompt, with one number per response token in each of the other fields.

    A prompt with pictures is a `learning.policy.pictures.SeenPrompt`.
    `weights` are advantages for the losses over samples, plain weights for cross entropy.
    `sampled_logprobs` come from the engine that drew the tokens, `old_logprobs` from the trainer
    before its first step on them (empty: take those of this very pass), `reference_logprobs` from
    the policy that the KL term holds on to.
    """

    prompt: TokenIds
    response: TokenIds
    weights: Floats = ()
    sampled_logprobs: Floats = ()
    old_logprobs: Floats = ()
    reference_logprobs: Floats = ()

    def __post_init__(self) -> None:
        if not self.prompt or not self.response:
            raise ValueError("a datum needs a prompt and a response of one token or more")
        for name in ("weights", "sampled_logprobs", "old_logprobs", "reference_logprobs"):
            if len(getattr(self, name)) not in (0, len(self.response)):
                raise ValueError(f"{name} must have one number per response token")


@dataclass(frozen=True, slots=True)
class Output:
    """`logprobs` has a tuple per datum, a number per response token."""

    loss: float
    logprobs: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Adam:
    learning_rate: float
    max_gradient_norm: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-12


@dataclass(frozen=True, slots=True)
class Lora:
    """Shape of an adapter: rank-`rank` on every linear layer of the language model.

    `is_seeing`: on those of the vision tower and of what connects it as well, for engines that
    serve that.
    """

    rank: int = 8
    alpha: int = 16
    seed: int = 0
    is_seeing: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    base_model: str
    losses: frozenset[LossKind]
    can_sample: bool


@dataclass(frozen=True, slots=True)
class SavedState:
    """An adapter on disk in PEFT's format; `digest` is the SHA-256 of its weights' file."""

    folder: Path
    digest: str


class Weights(StrEnum):
    """Which weights to compute with: those in training, those it started from, or the base's.

    A run that was resumed still started from what it was created from."""

    POLICY = "policy"
    REFERENCE = "reference"
    BASE = "base"


@runtime_checkable
class Trainer(Protocol):
    """One adapter in training. Operations happen in the order in which they are asked for."""

    def capabilities(self) -> Capabilities: ...

    def create(self, lora: Lora) -> None:
        """Start from the base model with a fresh adapter, which changes nothing yet."""

    def create_from(self, folder: Path) -> None:
        """Start from a saved adapter. Raises CheckpointInvalid."""

    def forward(self, data: Sequence[Datum], loss: Loss) -> Output:
        """Like `forward_backward`, without gradients."""

    def forward_backward(self, data: Sequence[Datum], loss: Loss) -> Output:
        """Add the gradient of the summed loss to what has accumulated."""

    def optim_step(self, adam: Adam) -> float:
        """Step, and clear the gradients. Returns their norm before clipping."""

    def logprobs(
        self,
        data: Sequence[Datum],
        weights: Weights,
        *,
        temperature: float = 1.0,
        exactly: bool = False,
    ) -> tuple[Floats, ...]:
        """Of the response tokens. `exactly`: without rounding on the way, however long it takes."""

    def save_state(self, folder: Path, notes: str = "") -> SavedState:
        """Write the adapter; `folder` appears whole or not at all. Raises OSError.

        With `notes` (JSON) the optimizer's moments and the notes lie beside it, so that
        `load_state` can go on from there.
        """

    def load_state(self, folder: Path) -> SavedState:
        """Adapter and moments of a state saved with notes. The reference stays what it is.

        Raises CheckpointInvalid.
        """

    def step_back(self, share: float) -> None:
        """Go back towards where the training began, until only `share` of the way is left."""

    def publish_sampler(self, folder: Path, notes: str = "") -> SavedState:
        """Save, and let `sample` draw from exactly these weights from now on."""

    def serve(self, state: SavedState) -> None:
        """Let `sample` draw from a state saved earlier."""

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, samples: int
    ) -> list[list[Sample]]:
        """`samples` answers per prompt under the weights published last (at first, the parent)."""

    def unload(self) -> None:
        """Take the adapter off the base model, which stays loaded."""


@runtime_checkable
class Sampler(Protocol):
    """An engine that serves adapters, as a trainer without an engine of its own needs it."""

    def serve(self, state: SavedState) -> None: ...

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, samples: int
    ) -> list[list[Sample]]: ...
