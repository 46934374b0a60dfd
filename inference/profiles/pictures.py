"""How many tokens a picture takes, and which.

A chat template writes one placeholder for a picture, and the model's processor replaces it by as
many tokens as the vision tower makes of the picture. That depends on nothing but its size, so it
can be known without the processor, which needs torch: prompts are counted before they are sent.
tests/inference/profiles/test_pictures.py compares with the processors themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pictures:
    """`placeholder` is the template's for one picture; `text_of(width, height)` in its place."""

    placeholder: str
    text_of: Callable[[int, int], str]
