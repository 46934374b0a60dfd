"""Seeded sampling for vLLM's CPU worker when a prompt is read in several pieces.

vLLM (0.32) samples a token after every piece, throws it away unless the piece was the last, and
winds the request's random numbers back by an offset that generators on a CPU do not have. The whole
engine ends with "CPU Generator does not use offset": one request with a seed is enough, on a busy
machine, where long or many prompts do not fit into one step. Here the generator's state is kept
before a token that will be thrown away and put back after it, and vLLM finds nothing to wind back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from vllm.v1.worker.gpu_model_runner import GPUModelRunner

_sample = GPUModelRunner._sample
_bookkeep = GPUModelRunner._bookkeeping_sync


def sample_and_wind_back(runner: Any, *args: Any, **kwargs: Any) -> Any:
    """The step's tokens; requests whose token is thrown away keep their random numbers."""
    batch = runner.input_batch
    thrown_away = np.flatnonzero(runner.discard_request_mask.np[: batch.num_reqs])
    generators = [batch.generators[i] for i in thrown_away.tolist() if i in batch.generators]
    before: list[tuple[torch.Generator, torch.Tensor]] = [
        (generator, generator.get_state()) for generator in generators
    ]
    sampled = _sample(runner, *args, **kwargs)
    for generator, state in before:
        generator.set_state(state)
    return sampled


def bookkeep_without_generators(runner: Any, *args: Any, **kwargs: Any) -> Any:
    batch = runner.input_batch
    generators, batch.generators = batch.generators, {}
    try:
        return _bookkeep(runner, *args, **kwargs)
    finally:
        batch.generators = generators


GPUModelRunner._sample = sample_and_wind_back  # type: ignore[assignment, method-assign]
GPUModelRunner._bookkeeping_sync = bookkeep_without_generators  # type: ignore[assignment, method-assign]
