"""The base model as the trainer and the feature extractor run it: packed rows in, states out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    PreTrainedModel,
)

from learning.policy import attention
from learning.policy.packing import Batch


def load(folder: Path) -> PreTrainedModel:
    """The base model, with its eyes if it has any, frozen, in bfloat16, on the GPU if there is
    one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    has_eyes = hasattr(AutoConfig.from_pretrained(folder), "vision_config")
    kind = AutoModelForImageTextToText if has_eyes else AutoModelForCausalLM
    model: PreTrainedModel = kind.from_pretrained(folder, dtype=torch.bfloat16)
    model.eval().requires_grad_(False)
    # transformers' own `to` has a signature that hides this overload from the type checker.
    cast(torch.nn.Module, model).to(device)
    if device == "cpu":
        attention.use(model)
    return model


WIDENED = (
    torch.nn.functional.linear,
    torch.nn.functional.layer_norm,
    torch.nn.functional.conv2d,
    torch.nn.functional.conv3d,
)


class Exactly(TorchFunctionMode):
    """Compute in float32 on weights that stay as they are; each is widened for its own use only.

    Rounding to bfloat16 moves log-probabilities by some 0.05, which hides what a few careful
    steps have changed. Several times slower on a CPU with bfloat16 instructions.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in WIDENED:
            args = [_wide(part) for part in args]
            kwargs = {name: _wide(part) for name, part in kwargs.items()}
        result = func(*args, **kwargs)
        return result.float() if func is torch.nn.functional.embedding else result


def _wide(part: Any) -> Any:
    return part.float() if isinstance(part, Tensor) else part


def last_states(model: PreTrainedModel, batch: Batch) -> Float[Tensor, "place hidden"]:
    """Hidden states of the last layer, all rows' places in one axis; no logits are made."""
    states: Tensor = _run(model, batch, output_hidden_states=False).last_hidden_state
    return states.flatten(0, 1)


def middle_and_last_states(
    model: PreTrainedModel, batch: Batch
) -> tuple[Float[Tensor, "place hidden"], Float[Tensor, "place hidden"]]:
    layers = _run(model, batch, output_hidden_states=True).hidden_states
    return layers[len(layers) // 2].flatten(0, 1), layers[-1].flatten(0, 1)


def run_alone(model: Module, token_ids: Sequence[int], *, output_hidden_states: bool) -> Any:
    """What the decoder makes of one sequence, as transformers gives it."""
    # transformers leaves what is asked of it here untyped.
    untyped: Any = model
    ids = torch.tensor([list(token_ids)], device=untyped.device)
    # Attention of our own (learning.policy.attention) is told the mask, causal or not.
    mask = torch.ones(2 * ids.shape[1:], dtype=torch.bool, device=ids.device).tril()[None, None]
    return untyped.get_decoder()(
        input_ids=ids,
        attention_mask=mask,
        output_hidden_states=output_hidden_states,
        use_cache=False,
    )


def _run(model: PreTrainedModel, batch: Batch, *, output_hidden_states: bool) -> Any:
    """Rows of text go to the decoder alone, rows with pictures through the whole model."""
    run: Any = model.base_model if batch.pictures else model.get_decoder()
    return run(
        input_ids=batch.tokens,
        position_ids=batch.positions,
        attention_mask=batch.mask,
        output_hidden_states=output_hidden_states,
        use_cache=False,
        **batch.pictures,
    )
