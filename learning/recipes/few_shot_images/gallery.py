"""Labelled pictures, and what of them may be learned from and tested on.

A picture's `group` is what it shares with others of its class beside the class: the artist who
drew it, or the split of a data set. Pictures of one group are never on both sides of a test.
Without a group every picture stands for itself.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

# What a model is asked about each of them.
QUESTION = "What is this?"


@dataclass(frozen=True, slots=True)
class Picture:
    """`content` is an encoded image, `label` the name that a person would say."""

    content: bytes
    label: str
    group: str = ""

    def opened(self) -> Image.Image:
        return Image.open(io.BytesIO(self.content)).convert("RGB")

    @classmethod
    def of(cls, image: Image.Image, label: str, group: str = "") -> Picture:
        file = io.BytesIO()
        image.convert("RGB").save(file, "PNG")
        return cls(file.getvalue(), label, group)


@dataclass(frozen=True, slots=True)
class Gallery:
    """`tested` are the groups that tests come from; none: they are drawn anew for each seed."""

    name: str
    pictures: Sequence[Picture]
    tested: frozenset[str] = frozenset()

    @property
    def labels(self) -> list[str]:
        return sorted({picture.label for picture in self.pictures})
