"""What an answer looks like to the reward head: 128 numbers from the frozen base model.

Hidden states of the middle and the last layer, averaged over the answer's tokens given its
prompt, always with the adapter off: otherwise each new policy would shift all features. Each
layer is centred and scaled to the same mean square, both are laid side by side and projected on
their first 128 principal axes. The spectrum is kept: axes are not whitened, since small ones carry
mostly noise.

The axes are fitted once per base model, on our own bank of general text, never on anybody's chats,
and kept in a file; whoever comes second takes the first one's file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from transformers import PreTrainedModel

from learning.config import FEATURE_DIMENSIONS
from learning.policy import backbone, vision
from learning.policy.lora import adapter_off
from learning.policy.packing import Batch
from learning.policy.trainer import TokenIds

Answer = tuple[TokenIds, TokenIds]
Extract = Callable[[Sequence[Answer]], Float[ndarray, "answer feature"]]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Centre and scale of the pooled states, then their principal axes and variances."""

    centre: Float[ndarray, " state"]
    scale: Float[ndarray, " state"]
    axes: Float[ndarray, "state feature"]
    spectrum: Float[ndarray, " feature"]

    @classmethod
    def fit(cls, pooled: Float[ndarray, "answer state"], dimensions: int) -> Projection:
        """Features of these answers have a mean square norm of at most one.

        Raises:
            ValueError: fewer answers than dimensions leave axes undefined.
        """
        if len(pooled) <= dimensions:
            raise ValueError(f"{len(pooled)} answers cannot give {dimensions} axes")
        centre = pooled.mean(axis=0)
        centred = pooled - centre
        half = centred.shape[1] // 2
        layers = (centred[:, :half], centred[:, half:])
        scale = np.concatenate(
            [np.full(half, np.sqrt(2 * np.square(layer).sum(axis=1).mean())) for layer in layers]
        )
        _, singular, axes = np.linalg.svd(centred / scale, full_matrices=False)
        # The sign of an axis is arbitrary: let its largest entry be positive.
        largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
        axes = (axes * np.sign(largest)[:, None])[:dimensions].T
        return cls(centre, scale, axes, np.square(singular[:dimensions]) / len(pooled))

    def apply(self, pooled: Float[ndarray, "answer state"]) -> Float[ndarray, "answer feature"]:
        """Rounded to float32, as the database stores them: replay sees the same numbers."""
        projected: ndarray = (pooled - self.centre) / self.scale @ self.axes
        return projected.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the file unless it exists already; it appears whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez(
                file, centre=self.centre, scale=self.scale, axes=self.axes, spectrum=self.spectrum
            )
        try:
            os.link(file.name, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(file.name)

    @classmethod
    def load(cls, path: Path) -> Projection:
        with np.load(path) as arrays:
            return cls(arrays["centre"], arrays["scale"], arrays["axes"], arrays["spectrum"])


class Extractor:
    """Computes features of answers. Its model may carry an adapter, which is switched off."""

    def __init__(self, base: PreTrainedModel, projection: Projection) -> None:
        self._base = base
        self._projection = projection

    @classmethod
    def for_model(
        cls, base: PreTrainedModel, folder: Path, fitted_on: Sequence[Answer], cache: Path
    ) -> Extractor:
        """With the projection from `cache`, or one fitted now and left there."""
        path = cache / f"projection-{fingerprint(folder)}.npz"
        if not path.exists():
            Projection.fit(pool(base, fitted_on), FEATURE_DIMENSIONS).save(path)
        return cls(base, Projection.load(path))

    def __call__(self, answers: Sequence[Answer]) -> Float[ndarray, "answer feature"]:
        return self._projection.apply(pool(self._base, answers))


@torch.no_grad()
def pool(base: PreTrainedModel, answers: Sequence[Answer]) -> Float[ndarray, "answer state"]:
    """Mean states of the middle and the last layer over each answer's tokens, side by side."""
    pooled = np.zeros((len(answers), 2 * base.config.get_text_config().hidden_size))
    with adapter_off(base):
        for batch in vision.batches(base, answers):
            pooled[batch.sequences] = _pool(base, batch)
    return pooled


def fingerprint(folder: Path) -> str:
    """Names a base model by its configuration and the heads of its weight files."""
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        with file.open("rb") as content:
            digest.update(content.read(1 << 20))
    return digest.hexdigest()[:16]


def _pool(base: PreTrainedModel, batch: Batch) -> Float[ndarray, "answer state"]:
    lengths = [len(places) for row in batch.rows for places in row.places]
    layers = [
        torch.stack([part.float().mean(dim=0) for part in states[batch.places()].split(lengths)])
        for states in backbone.middle_and_last_states(base, batch)
    ]
    return torch.cat(layers, dim=1).double().cpu().numpy()
