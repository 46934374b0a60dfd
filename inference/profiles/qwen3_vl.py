"""Qwen3-VL: pictures and text, with tools, as "Instruct" or "Thinking"; told apart as Qwen3 is.

A picture becomes a token for every 32 by 32 pixels, after its sides are rounded to whole ones: a
megapixel takes about 1,024 tokens of the window. vLLM can serve adapters on the vision tower and
on what connects it. It is told the names of the tower's `attn.proj` one by one, since the
convolution that cuts the picture up is a `proj` as well, on which it can serve none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inference.errors import TemplateRefused
from inference.profiles import qwen3
from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.pictures import Pictures
from inference.profiles.profile import Lora, Profile, Thinking

PLACEHOLDER = "<|image_pad|>"
# Pixels of a picture as the model sees it. The processor alone would take sixteen times as many,
# two windows full of tokens, for which vLLM would set memory aside.
LARGEST = 1 << 20
LONGEST_TO_SHORTEST = 200
TOWER_LAYERS = ("qkv", "linear_fc1", "linear_fc2")
TOWER = (
    r"(model\.)+visual\.(blocks\.\d+\.(attn\.(qkv|proj)|mlp\.linear_fc[12])"
    r"|(merger|deepstack_merger_list\.\d+)\.linear_fc[12])"
)
INSTRUCT = Profile(
    name="qwen3_vl",
    title="Qwen3-VL",
    tool_parser=qwen3.INSTRUCT.tool_parser,
    images=4,
    temperature=0.7,
    top_p=0.8,
    window_tokens=8192,
    answer_tokens=2048,
)
THINKING = replace(
    INSTRUCT,
    reasoning_parser="qwen3",
    thinking=Thinking.ALWAYS,
    temperature=1.0,
    top_p=0.95,
    answer_tokens=8192,
)


def profile(checkpoint: Checkpoint) -> Profile:
    found = qwen3.fitting(checkpoint, INSTRUCT, THINKING)
    found = found if checkpoint.can_call else replace(found, tool_parser="")
    depth = checkpoint.config.get("vision_config", {}).get("depth", 0)
    one_by_one = (f"visual.blocks.{number}.attn.proj" for number in range(depth))
    found = replace(found, tower_lora=Lora().with_tower((*TOWER_LAYERS, *one_by_one), TOWER))
    smallest, largest = _limits(checkpoint.images)
    size = {"shortest_edge": min(smallest, LARGEST), "longest_edge": LARGEST}
    return replace(found, processor={"size": size}) if largest > LARGEST else found


def pictures(checkpoint: Checkpoint) -> Pictures:
    images = checkpoint.images
    unit = int(images.get("patch_size", 14)) * int(images.get("merge_size", 2))
    smallest, largest = (min(limit, LARGEST) for limit in _limits(images))

    def text_of(width: int, height: int) -> str:
        wide, high = scaled(width, height, unit, smallest, largest)
        return PLACEHOLDER * ((wide // unit) * (high // unit))

    return Pictures(PLACEHOLDER, text_of)


def scaled(width: int, height: int, unit: int, smallest: int, largest: int) -> tuple[int, int]:
    """The size at which the tower sees a picture: whole units, and about as many pixels as allowed.

    `smallest` and `largest` are numbers of pixels. The processor's own `smart_resize`, which
    refuses pictures that are too narrow, as this does with TemplateRefused.
    """
    if max(width, height) > LONGEST_TO_SHORTEST * min(width, height):
        raise TemplateRefused(
            f"A picture of {width} by {height} pixels is too narrow: the model takes none whose one"
            f" side is more than {LONGEST_TO_SHORTEST} times the other."
        )
    high, wide = (round(side / unit) * unit for side in (height, width))
    if high * wide > largest:
        scale = math.sqrt(height * width / largest)
        high, wide = (max(unit, math.floor(n / scale / unit) * unit) for n in (height, width))
    elif high * wide < smallest:
        scale = math.sqrt(smallest / (height * width))
        high, wide = (math.ceil(n * scale / unit) * unit for n in (height, width))
    return wide, high


def _limits(images: Mapping[str, Any]) -> tuple[int, int]:
    """The processor's limits in pixels; `min_pixels` and `max_pixels` are their older names."""
    size = images.get("size") or {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280}
    return (
        int(images.get("min_pixels") or size["shortest_edge"]),
        int(images.get("max_pixels") or size["longest_edge"]),
    )


FAMILY = Family(
    name=INSTRUCT.name,
    model_types=("qwen3_vl", "qwen3_vl_moe"),
    profile=profile,
    pictures=pictures,
)
