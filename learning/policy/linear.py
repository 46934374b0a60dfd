"""The arithmetic of LoRA layers: y = x·Wᵀ + s·(x·Aᵀ)·Bᵀ, forward and backward, in the base's type.

PEFT holds the adapter and its file format; its layers' `forward` is replaced. PEFT widens every
activation to the adapter's float32 and narrows it again, which took a third of a step on a CPU.
Here the adapter stays float32 for the optimizer, and is rounded for the product as the engine
rounds it when it serves; gradients are widened when they are added up.

Layers that read the same input (query, key and value; gate and up) are computed together when the
first of them is called: one thin product for all their A matrices, one gradient for the input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from peft import PeftModel
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn
from torch.nn.functional import linear

SIBLINGS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
# What `LowRank` takes for each layer after the input: base weight, bias, A, B and scale.
PER_LAYER = 5


class LowRank(torch.autograd.Function):
    """Outputs of several adapted layers of one input. The base's weights get no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *layers: Any) -> tuple[Tensor, ...]:
        parts = [layers[at : at + PER_LAYER] for at in range(0, len(layers), PER_LAYER)]
        flat = x.reshape(-1, x.shape[-1])
        down = torch.cat([a.to(x.dtype) for _, _, a, _, _ in parts])
        ups = [(b * scale).to(x.dtype) for _, _, _, b, scale in parts]
        thin = flat @ down.T
        ctx.shape, ctx.ranks = x.shape, [up.shape[1] for up in ups]
        ctx.scales = [scale for *_, scale in parts]
        ctx.save_for_backward(flat, thin, down, *ups, *(weight for weight, *_ in parts))
        outputs = []
        for (weight, bias, *_), up, part in zip(parts, ups, thin.split(ctx.ranks, 1), strict=True):
            y = linear(flat, weight, bias).addmm_(part, up.T)
            outputs.append(y.view(*x.shape[:-1], -1))
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        flat, thin, down, *rest = ctx.saved_tensors
        count = len(ctx.ranks)
        ups, weights = rest[:count], rest[count:]
        gradients = tuple(each.reshape(-1, each.shape[-1]) for each in gradients)
        thin_gradient = torch.cat([g @ up for g, up in zip(gradients, ups, strict=True)], 1)
        for_down = (thin_gradient.T @ flat).float().split(ctx.ranks)
        for_input = None
        if ctx.needs_input_grad[0]:
            for_input = thin_gradient @ down
            for g, weight in zip(gradients, weights, strict=True):
                for_input.addmm_(g, weight)
            for_input = for_input.view(*ctx.shape)
        result: list[Tensor | None] = [for_input]
        for g, part, scale, a in zip(
            gradients, thin.split(ctx.ranks, 1), ctx.scales, for_down, strict=True
        ):
            result += [None, None, a, (g.T @ part).float().mul_(scale), None]
        return tuple(result)


class Siblings:
    """Layers that read one input: the first one called computes for all, the others collect."""

    def __init__(self, layers: Sequence[LoraLayer], adapter: str) -> None:
        self._layers, self._adapter = layers, adapter
        self._input: Tensor | None = None
        self._waiting: dict[int, Tensor] = {}

    def output(self, number: int, x: Tensor) -> Tensor:
        layer = self._layers[number]
        if layer.disable_adapters:
            result: Tensor = layer.base_layer(x)
            return result
        if layer.base_layer.weight.dtype != x.dtype:
            return self._unrounded(layer, x)
        if self._input is not x or number not in self._waiting:
            self._input = x
            self._waiting = dict(enumerate(LowRank.apply(x, *self._arguments())))
        found = self._waiting.pop(number)
        if not self._waiting:
            self._input = None
        return found

    def _arguments(self) -> list[Any]:
        return [part for layer in self._layers for part in self._parts(layer)]

    def _parts(self, layer: LoraLayer) -> tuple[Any, ...]:
        base = layer.base_layer
        a, b = layer.lora_A[self._adapter].weight, layer.lora_B[self._adapter].weight
        return base.weight, base.bias, a, b, layer.scaling[self._adapter]

    def _unrounded(
        self, layer: LoraLayer, x: Float[Tensor, "*place input"]
    ) -> Float[Tensor, "*place output"]:
        """In the input's own, wider type; `backbone.Exactly` widens the base's weights."""
        weight, bias, a, b, scale = self._parts(layer)
        result: Tensor = linear(x, weight, bias) + linear(linear(x, a), b) * scale
        return result


def take_over(adapted: PeftModel, adapter: str) -> None:
    """Let the layers of this adapter compute with `LowRank`. It ends when PEFT unloads them."""
    taken: set[nn.Module] = set()
    for module in adapted.modules():
        for names in SIBLINGS:
            layers = [layer for name in names if (layer := _adapted(module, name)) is not None]
            _replace(layers, adapter)
            taken.update(layers)
    for module in list(adapted.modules()):
        if isinstance(module, LoraLayer) and module not in taken:
            _replace([module], adapter)


def _adapted(module: nn.Module, name: str) -> Any:
    layer = getattr(module, name, None)
    return layer if isinstance(layer, LoraLayer) else None


def _replace(layers: Sequence[Any], adapter: str) -> None:
    siblings = Siblings(layers, adapter)
    for number, layer in enumerate(layers):
        layer.forward = _forward(siblings, number)


def _forward(siblings: Siblings, number: int) -> Callable[[Tensor], Tensor]:
    return lambda x: siblings.output(number, x)
