"""LoRA arithmetic for vLLM's CPU worker; `cpu_worker` has it loaded there.

vLLM's own (0.32) gathers a copy of the adapter's weights for every token, with the adapter's slot
as index and -1 for the base model. As an index -1 is the last slot: in a batch with some adapter,
requests for the base model get whatever adapter lies there. Here each run of neighbouring tokens
with the same adapter is one matrix product, and runs of the base model are left alone.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU
from vllm.platforms import current_platform

BASE_SLOT = -1


class SegmentedLora(PunicaWrapperCPU):
    """What is added to the base model's layers, segment by segment.

    vLLM calls every step a prefill where it has no CUDA, so these are the methods that are used.
    """

    # First and last row but one of each segment of the batch, and its adapter's slot.
    _segments: tuple[tuple[int, int, int], ...] = ()

    def _update_prefill_metadata(self, token_lora_tensor: torch.Tensor) -> None:
        super()._update_prefill_metadata(token_lora_tensor)
        _, lengths, slots, *_ = self.prefill_metadata
        ends = list(accumulate(lengths.tolist()))
        self._segments = tuple(
            (begin, end, slot)
            for begin, end, slot in zip([0, *ends], ends, slots.tolist(), strict=False)
            if slot != BASE_SLOT
        )

    def _shrink_prefill(
        self, y: torch.Tensor, x: torch.Tensor, w_t_all: torch.Tensor, scale: float
    ) -> None:
        """Write `scale · x Aᵀ`. `y` has zeros where there is no adapter, as it came."""
        for begin, end, slot in self._segments:
            y[begin:end] = scale * (x[begin:end].to(y.dtype) @ _weights(w_t_all, slot, y.dtype))

    def _expand_slice_prefill(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        w_t_all: torch.Tensor,
        y_offset: int,
        y_slice_size: int,
        add_inputs: bool,
    ) -> None:
        """Add `x Bᵀ` to a slice of the columns."""
        assert add_inputs
        for begin, end, slot in self._segments:
            added = x[begin:end] @ _weights(w_t_all, slot, x.dtype)
            y[begin:end, y_offset : y_offset + y_slice_size] += added.to(y.dtype)


def _weights(stacked: torch.Tensor, slot: int, dtype: torch.dtype) -> torch.Tensor:
    """One adapter's matrix, transposed, from all of them: slot, (1,) out, in."""
    return stacked[slot].squeeze(0).to(dtype).T


def _punica_wrapper(_cls: Any) -> str:
    return f"{__name__}.{SegmentedLora.__name__}"


current_platform.get_punica_wrapper = classmethod(_punica_wrapper).__get__(  # type: ignore[method-assign]
    None, type(current_platform)
)
