"""The local trainer: torch and PEFT on this machine, CPU or one GPU.

The base stays in bfloat16 and frozen, the adapter is float32. Replies to one prompt share its
computation (`packing`), and the vocabulary is touched at response tokens only. There the gradient
of a log-probability with respect to its hidden state is worked out in the forward pass, chunk by
chunk: no logits are kept for, or computed again in, the backward pass.

Adam's moments are part of a state that is saved to go on from, and of no other: each update starts
Adam afresh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from peft import PeftModel
from safetensors.torch import save
from torch import Tensor
from transformers import PreTrainedModel

from inference.contracts import Sample, Sampling
from learning.policy import backbone, lora, losses, vision
from learning.policy.packing import Batch
from learning.policy.trainer import (
    Adam,
    Capabilities,
    Datum,
    Floats,
    Lora,
    Loss,
    LossKind,
    Output,
    Sampler,
    SavedState,
    TokenIds,
    Weights,
)

# Positions whose logits are held at once: 256 of 49,152 words in float32 are 50 MB.
CHUNK = 256


class TokenLogprobs(torch.autograd.Function):
    """Log-probability of each target under softmax(hidden · headᵀ / temperature)."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Float[Tensor, "token hidden"],
        head: Float[Tensor, "word hidden"],
        targets: Int[Tensor, " token"],
        temperature: float,
    ) -> Float[Tensor, " token"]:
        needs_gradient = ctx.needs_input_grad[0]
        ctx.dtype = hidden.dtype
        head = head.to(hidden.dtype)
        space = torch.empty(min(CHUNK, len(hidden)), len(head), device=hidden.device)
        logprobs, slopes = [], []
        for part, target in zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True):
            logits = space[: len(part)].copy_(part @ head.T)
            if temperature != 1:
                logits.div_(temperature)
            highest = logits.amax(dim=1, keepdim=True)
            picked = logits.gather(1, target[:, None]) - highest
            total = logits.sub_(highest).exp_().sum(dim=1, keepdim=True)
            logprobs.append((picked - total.log()).squeeze(1))
            if needs_gradient:
                mean = (logits.to(head.dtype) @ head).float().div_(total)
                slopes.append((head[target] - mean).div_(temperature))
        if needs_gradient:
            ctx.save_for_backward(torch.cat(slopes))
        return torch.cat(logprobs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return (gradients[0][:, None] * slopes).to(ctx.dtype), None, None, None


class LocalTrainer:
    """`learning.policy.trainer.Trainer` on a model in this process."""

    def __init__(self, base: PreTrainedModel, sampler: Sampler | None = None) -> None:
        self.base = base
        self._sampler = sampler
        self._adapted: PeftModel | None = None

    def capabilities(self) -> Capabilities:
        return Capabilities(
            base_model=str(self.base.config.name_or_path),
            losses=frozenset(LossKind),
            can_sample=self._sampler is not None,
        )

    def create(self, lora_shape: Lora) -> None:
        self._adopt(lora.attach(self.base, lora_shape))

    def create_from(self, folder: Path) -> None:
        self._adopt(lora.attach_saved(self.base, folder))

    def forward(self, data: Sequence[Datum], loss: Loss) -> Output:
        with torch.no_grad():
            return self._pass(data, loss)

    def forward_backward(self, data: Sequence[Datum], loss: Loss) -> Output:
        return self._pass(data, loss)

    def optim_step(self, adam: Adam) -> float:
        for group in self._optimizer.param_groups:
            group.update(lr=adam.learning_rate, betas=(adam.beta1, adam.beta2), eps=adam.epsilon)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, adam.max_gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return float(norm)

    @torch.no_grad()
    def logprobs(
        self,
        data: Sequence[Datum],
        weights: Weights,
        *,
        temperature: float = 1.0,
        exactly: bool = False,
    ) -> tuple[Floats, ...]:
        found: list[Floats] = [()] * len(data)
        with self._using(weights), backbone.Exactly() if exactly else nullcontext():
            for batch in self._batches(data):
                logprobs = self._score(batch, data, temperature)
                _scatter(logprobs, batch, data, found)
        return tuple(found)

    def save_state(self, folder: Path, notes: str = "") -> SavedState:
        beside = {}
        if notes:
            beside = {lora.MOMENTS_FILE: self._moments(), lora.NOTES_FILE: notes.encode()}
        return lora.write(self.adapted, folder, beside)

    def load_state(self, folder: Path) -> SavedState:
        state = lora.restore(self.adapted, folder)
        self._restore_moments(lora.read_moments(folder))
        return state

    @torch.no_grad()
    def step_back(self, share: float) -> None:
        for parameter, start in zip(self._parameters, self._started_from, strict=True):
            parameter.copy_(torch.lerp(start, parameter, share))

    def publish_sampler(self, folder: Path, notes: str = "") -> SavedState:
        state = self.save_state(folder, notes)
        self.serve(state)
        return state

    def serve(self, state: SavedState) -> None:
        self.sampler.serve(state)

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, samples: int
    ) -> list[list[Sample]]:
        return self.sampler.sample(prompts, sampling, samples)

    def unload(self) -> None:
        if self._adapted is not None:
            self._adapted.unload()
            self._adapted = None

    @property
    def adapted(self) -> PeftModel:
        if self._adapted is None:
            raise RuntimeError("create an adapter first")
        return self._adapted

    @property
    def sampler(self) -> Sampler:
        if self._sampler is None:
            raise RuntimeError("this trainer was given no engine to sample from")
        return self._sampler

    def _adopt(self, adapted: PeftModel) -> None:
        self._adapted = adapted
        self._parameters = [p for p in adapted.parameters() if p.requires_grad]
        self._started_from = [parameter.detach().clone() for parameter in self._parameters]
        self._optimizer = torch.optim.Adam(self._parameters)

    def _moments(self) -> bytes:
        """Adam's state, as safetensors: `number.name` of each parameter that has one."""
        states = self._optimizer.state_dict()["state"]
        return save(
            {
                f"{number}.{name}": value.contiguous()
                for number, state in states.items()
                for name, value in state.items()
            }
        )

    def _restore_moments(self, tensors: dict[str, Tensor]) -> None:
        states: defaultdict[int, dict[str, Tensor]] = defaultdict(dict)
        for key, value in tensors.items():
            number, _, name = key.partition(".")
            states[int(number)][name] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": dict(states)})

    def _pass(self, data: Sequence[Datum], loss: Loss) -> Output:
        value = 0.0
        found: list[Floats] = [()] * len(data)
        for batch in self._batches(data):
            logprobs = self._score(batch, data, loss.temperature)
            part = losses.total(loss, logprobs, *_numbers(batch, data, logprobs.device))
            if torch.is_grad_enabled():
                part.backward()
            value += float(part.detach())
            _scatter(logprobs.detach(), batch, data, found)
        return Output(value, tuple(found))

    def _batches(self, data: Sequence[Datum]) -> list[Batch]:
        return vision.batches(self.base, [(datum.prompt, datum.response) for datum in data])

    def _score(
        self, batch: Batch, data: Sequence[Datum], temperature: float
    ) -> Float[Tensor, " token"]:
        """Log-probabilities of the batch's response tokens, sequence after sequence."""
        states = backbone.last_states(self.base, batch)
        targets = torch.tensor(
            [token for index in batch.sequences for token in data[index].response],
            device=states.device,
        )
        head = self.base.get_output_embeddings().weight
        logprobs: Tensor = TokenLogprobs.apply(states[batch.sources()], head, targets, temperature)
        return logprobs

    @contextmanager
    def _using(self, weights: Weights) -> Iterator[None]:
        """Compute with other weights for a while; only without gradients."""
        if weights == Weights.BASE:
            with lora.adapter_off(self.base):
                yield
        elif weights == Weights.REFERENCE:
            self._swap()
            try:
                yield
            finally:
                self._swap()
        else:
            yield

    def _swap(self) -> None:
        for number, parameter in enumerate(self._parameters):
            trained, parameter.data = parameter.data, self._started_from[number]
            self._started_from[number] = trained


def _numbers(
    batch: Batch, data: Sequence[Datum], device: torch.device
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """Weights and the three kinds of log-probabilities, flat; None where a kind is missing."""

    def flat(name: str) -> Tensor | None:
        rows = [getattr(data[index], name) for index in batch.sequences]
        return torch.tensor([x for row in rows for x in row], device=device) if all(rows) else None

    weights = flat("weights")
    if weights is None:
        raise ValueError("a loss needs weights")
    return weights, flat("sampled_logprobs"), flat("old_logprobs"), flat("reference_logprobs")


def _scatter(logprobs: Tensor, batch: Batch, data: Sequence[Datum], found: list[Floats]) -> None:
    """Put each sequence's share of a batch's log-probabilities in its datum's place."""
    lengths = [len(data[index].response) for index in batch.sequences]
    for index, part in zip(batch.sequences, logprobs.split(lengths), strict=True):
        found[index] = tuple(part.tolist())
