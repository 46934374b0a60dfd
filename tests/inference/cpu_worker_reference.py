"""A program: compares what we changed in vLLM's CPU worker with a plain reference.

It runs by itself, since it changes vLLM for the whole process. See test_engine_real.py.
"""

import torch
from vllm.lora.layers import LoRAMapping
from vllm.platforms import current_platform
from vllm.v1.sample import sampler

from inference.engine.cpu_lora import SegmentedLora
from inference.engine.cpu_ranks import count_at_least

RANK, INPUT, SLICES, SLOTS = 4, 8, (6, 3), 3
# Adapter 5 lies in slot 0 and adapter 9 in the last one, which -1 would mean as an index.
IDS, TOKENS = [5, None, 9], (5, 5, 0, 0, 9, 5, 0)


def main() -> None:
    torch.manual_seed(0)
    check_lora()
    check_ranks()


def check_ranks() -> None:
    """Ties count, as in vLLM's own: the likeliest token has rank 1."""
    x = torch.randint(-5, 5, (7, 300)).float()
    values = x[:, :1].clone()

    expected = torch.tensor([sum(each >= row[0] for each in row) for row in x])
    torch.testing.assert_close(count_at_least(x, values), expected)
    assert sampler.batched_count_greater_than is count_at_least


def check_lora() -> None:
    a = tuple(torch.randn(SLOTS, 1, RANK, INPUT) for _ in SLICES)
    b = tuple(torch.randn(SLOTS, 1, size, RANK) for size in SLICES)
    x, y = torch.randn(len(TOKENS), INPUT), torch.randn(len(TOKENS), sum(SLICES))
    wrapper = SegmentedLora(16, 8, "cpu")
    mapping = LoRAMapping(TOKENS, (5, 0, 9, 5, 0), is_prefill=True)
    wrapper.update_metadata(mapping, IDS, SLOTS, 32)

    result = y.clone()
    wrapper.add_lora_linear(result, x, a, b, 1.0, SLICES)

    expected = y.clone()
    for row, adapter in enumerate(TOKENS):
        if adapter:
            slot = IDS.index(adapter)
            parts = [up[slot, 0] @ (down[slot, 0] @ x[row]) for down, up in zip(a, b, strict=True)]
            expected[row] += torch.cat(parts)
    torch.testing.assert_close(result, expected)
    assert current_platform.get_punica_wrapper().endswith("cpu_lora.SegmentedLora")


if __name__ == "__main__":
    main()
