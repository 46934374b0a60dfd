"""Counting the rank of a sampled token for vLLM's CPU worker, five times faster.

vLLM (0.32) counts how many tokens were more likely with each log-probability it returns, as sums of
booleans in 64 bits. Without a compiler at hand that was 9 ms for 32 tokens of a vocabulary of
49,152, of 82 ms that a step took in all; summed in 32 bits, which hold any vocabulary, it is 2 ms.
"""

from __future__ import annotations

import torch
from vllm.v1.sample import sampler


def count_at_least(x: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """How many of a row are at least the row's value: (rows, n) and (rows, 1) give (rows,)."""
    return (x >= values).sum(-1, dtype=torch.int32).to(torch.int64)


sampler.batched_count_greater_than = count_at_least  # type: ignore[attr-defined]
