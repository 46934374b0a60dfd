"""Attention on a CPU for packed rows: torch's own forward pass, and a faster backward pass.

Torch's backward pass for masked attention on a CPU took a sixth of a training step. This one works
through a row's key heads one after the other, and keeps no scores: they are computed
again from the forward pass's normalisers, which is what flash attention does with smaller tiles.

After FlashAttention (Dao et al., arXiv 2205.14135), without its tiling: rows are at most some 1,000
tokens long (`packing.ROW_TOKENS`), or a prompt that is longer.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import AttentionInterface, PreTrainedModel

NAME = "packed_rows"


def use(model: PreTrainedModel) -> None:
    """Let this model's language part attend with `attend`; a vision tower has no such mask."""
    AttentionInterface.register(NAME, attend)
    model.get_decoder().set_attn_implementation(NAME)


def attend(
    module: torch.nn.Module,
    query: Float[Tensor, "row head place dim"],
    key: Float[Tensor, "row key_head place dim"],
    value: Float[Tensor, "row key_head place dim"],
    attention_mask: Bool[Tensor, "row 1 place place"],
    *,
    scaling: float,
    **_: Any,
) -> tuple[Float[Tensor, "row place head dim"], None]:
    """In the form that transformers asks for. The mask must let every token see itself."""
    out: Tensor = MaskedAttention.apply(query, key, value, attention_mask, scaling)
    return out.transpose(1, 2), None


class MaskedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
        groups = q.shape[1] // k.shape[1]
        bias = torch.zeros(mask.shape, dtype=q.dtype).masked_fill_(~mask, float("-inf"))
        out, normaliser = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q,
            k.repeat_interleave(groups, 1),
            v.repeat_interleave(groups, 1),
            attn_mask=bias,
            scale=scale,
        )
        ctx.scale = scale
        ctx.save_for_backward(q, k, v, mask, out, normaliser)
        return out  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        q, k, v, mask, out, normaliser = ctx.saved_tensors
        rows, heads, width, _ = q.shape
        key_heads = k.shape[1]
        together = (rows, key_heads, heads // key_heads * width, -1)
        queries, upstream = q.reshape(together), gradients[0].reshape(together)
        inner = (upstream.float() * out.reshape(together).float()).sum(-1, keepdim=True)
        normaliser = normaliser.reshape(together)
        for_q = torch.empty_like(queries)
        for_k, for_v = k.new_empty(k.shape), v.new_empty(v.shape)
        chance = torch.empty(together[2], width)
        slope = torch.empty_like(chance)
        for row in range(rows):
            hidden = ~mask[row]
            for head in range(key_heads):
                at = (row, head)
                torch.sub(queries[at] @ (k[at] * ctx.scale).T, normaliser[at], out=chance)
                chance.exp_().view(-1, width, width).masked_fill_(hidden, 0.0)
                torch.mm(chance.to(q.dtype).T, upstream[at], out=for_v[at])
                torch.sub(upstream[at] @ v[at].T, inner[at], out=slope)
                rounded = slope.mul_(chance).mul_(ctx.scale).to(q.dtype)
                torch.mm(rounded, k[at], out=for_q[at])
                torch.mm(rounded.T, queries[at], out=for_k[at])
        return for_q.view(q.shape), for_k, for_v, None, None
