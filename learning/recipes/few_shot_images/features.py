"""What a picture looks like, in numbers, from nothing that was trained on the examples.

`hog`: directions of edges in a grid of cells (Dalal and Triggs, 2005; one orientation histogram a
cell, square roots in place of block normalisation) beside the mean colour of coarser cells: no
training at all. `pixels`: the picture itself, small. `tower`: the vision tower of the very model
that is tuned, before what connects it to the language. Any other name is a model that transformers
loads by it, such as facebook/dinov2-base: class token and mean of the patches, one after the other,
as its authors' linear probe takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoProcessor, PreTrainedModel

from learning.recipes.few_shot_images.gallery import Picture
from learning.recipes.few_shot_images.logistic import Features

Vector = NDArray[np.float64]
Look = Callable[[Picture], Vector]

SIDE, CELL, DIRECTIONS = 48, 8, 9
COLOUR_CELLS = 6


class Extractor:
    """A way to look, which looks at each picture once."""

    def __init__(self, name: str, look: Look) -> None:
        self.name = name
        self._look = look
        self._seen: dict[bytes, Vector] = {}

    def __call__(self, pictures: Iterable[Picture]) -> Features:
        return np.stack([self._vector(picture) for picture in pictures])

    def _vector(self, picture: Picture) -> Vector:
        if picture.content not in self._seen:
            self._seen[picture.content] = self._look(picture)
        return self._seen[picture.content]


def extractor(name: str, model: PreTrainedModel) -> Extractor:
    """`model` is the one that is tuned; its tower is asked for by `tower`."""
    match name:
        case "hog":
            return Extractor(name, hog)
        case "pixels":
            return Extractor(name, pixels)
        case "tower":
            return Extractor(name, _tower(model))
        case _:
            return Extractor(name, _pretrained(name))


def pixels(picture: Picture) -> Vector:
    return _colours(picture, SIDE // 2).ravel()


def hog(picture: Picture) -> Vector:
    colours = _colours(picture, SIDE)
    edges = np.sqrt(_histograms(colours.mean(axis=2))).ravel()
    side = SIDE // COLOUR_CELLS
    coarse = colours.reshape(COLOUR_CELLS, side, COLOUR_CELLS, side, 3).mean(axis=(1, 3)).ravel()
    # Both of length 1: as much said by edges as by colours.
    return np.concatenate([part / max(np.linalg.norm(part), 1e-9) for part in (edges, coarse)])


def _histograms(grey: Vector) -> Vector:
    """Strength of edges, cell by cell, shared between the two directions that are nearest."""
    down, right = np.gradient(grey)
    strength = np.hypot(down, right)
    direction = np.arctan2(down, right) % np.pi / np.pi * DIRECTIONS
    cells = SIDE // CELL
    found = np.empty((cells, cells, DIRECTIONS))
    for number in range(DIRECTIONS):
        away = np.abs(direction - number)
        share = np.clip(1 - np.minimum(away, DIRECTIONS - away), 0, 1) * strength
        found[:, :, number] = share.reshape(cells, CELL, cells, CELL).sum(axis=(1, 3))
    return found


def _colours(picture: Picture, side: int) -> Vector:
    """Between -1 and 1; stretched to a square."""
    image = picture.opened().resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float64) / 127.5 - 1


def _tower(model: PreTrainedModel) -> Look:
    untyped: Any = model
    processor = AutoProcessor.from_pretrained(Path(str(model.config.name_or_path))).image_processor

    def look(picture: Picture) -> Vector:
        tensors = processor(images=[picture.opened()], return_tensors="pt").to(model.device)
        with torch.no_grad():
            states = untyped.get_image_features(**tensors).last_hidden_state
        return _mean(states)

    return look


def _pretrained(name: str) -> Look:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    processor = AutoImageProcessor.from_pretrained(name)
    model: Any = AutoModel.from_pretrained(name).eval().to(device)

    def look(picture: Picture) -> Vector:
        tensors = processor(images=picture.opened(), return_tensors="pt").to(device)
        with torch.no_grad():
            states = model(**tensors).last_hidden_state[0]
        return np.concatenate([_mean(states[:1]), _mean(states[1:])])

    return look


def _mean(states: torch.Tensor) -> Vector:
    vector: Vector = states.flatten(0, -2).mean(dim=0).double().cpu().numpy()
    return vector
