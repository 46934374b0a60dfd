"""Axes in signatures are checked in these tests; a tiny model stands in for a real one."""

from __future__ import annotations

import pytest
from jaxtyping import install_import_hook

install_import_hook(
    ["learning.policy", "learning.reward", "learning.evaluation"], "beartype.beartype"
)

import torch  # noqa: E402  (the hook has to come before learning's modules)

from learning.policy.local import LocalTrainer  # noqa: E402
from learning.policy.trainer import Lora  # noqa: E402

from . import tiny  # noqa: E402


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two threads that wait for each other in a spin are slower than one on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def trainer() -> LocalTrainer:
    """A tiny model with a fresh adapter of rank 4."""
    made = LocalTrainer(tiny.model())
    made.create(Lora(rank=4, alpha=8))
    return made
