"""Idefics3 and SmolVLM: pictures and text, without reasoning or tools.

A picture is scaled to a fixed length, cut into square tiles, and seen as these tiles and once as a
whole, each of which takes the same number of tokens.
"""

from __future__ import annotations

import math

from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.pictures import Pictures
from inference.profiles.profile import Lora, Profile

PLACEHOLDER, AROUND, WHOLE = "<image>", "<fake_token_around_image>", "<global-img>"
LONGEST_SIDE = 4096
TOWER_LAYERS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2", "proj")
TOWER = (
    r"(model\.)+(vision_model\.encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])"
    r"|connector\.modality_projection\.proj)"
)
PROFILE = Profile(
    name="idefics3",
    title="Idefics3 and SmolVLM",
    images=4,
    tower_lora=Lora().with_tower(TOWER_LAYERS, TOWER),
    temperature=0.2,
    top_p=0.9,
    window_tokens=8192,
    answer_tokens=1024,
)


def profile(checkpoint: Checkpoint) -> Profile:
    return PROFILE


def pictures(checkpoint: Checkpoint) -> Pictures:
    images = checkpoint.images
    longest = int((images.get("size") or {"longest_edge": 4 * 364})["longest_edge"])
    tile = int((images.get("max_image_size") or {"longest_edge": 364})["longest_edge"])
    is_cut = images.get("do_image_splitting", True)
    seen = PLACEHOLDER * int(checkpoint.processor.get("image_seq_len", 169))

    def text_of(width: int, height: int) -> str:
        rows, columns = tiles(width, height, longest, tile) if is_cut else (0, 0)
        cut = "".join(
            "".join(f"{AROUND}<row_{row}_col_{column}>{seen}" for column in range(1, columns + 1))
            + "\n"
            for row in range(1, rows + 1)
        )
        return cut + ("\n" if cut else "") + AROUND + WHOLE + seen + AROUND

    return Pictures(PLACEHOLDER, text_of)


def tiles(width: int, height: int, longest: int, tile: int) -> tuple[int, int]:
    """Rows and columns of tiles, (0, 0) if one is enough; rounded step by step as transformers
    does, where a picture is scaled to `longest`, then to whole tiles."""
    width, height = _filling(width, height, longest)
    if max(width, height) > LONGEST_SIDE:
        width, height = _within(width, height, LONGEST_SIDE)
    aspect = width / height
    if width >= height:
        columns = math.ceil(width / tile)
        rows = math.ceil(int(columns * tile / aspect) / tile)
    else:
        rows = math.ceil(height / tile)
        columns = math.ceil(int(rows * tile * aspect) / tile)
    return (rows, columns) if max(rows, columns) > 1 else (0, 0)


def _filling(width: int, height: int, longest: int) -> tuple[int, int]:
    """The longer side is `longest`, the other as it has to be, and even."""
    aspect = width / height
    if width >= height:
        other = int(longest / aspect)
        return longest, max(other + other % 2, 1)
    other = int(longest * aspect)
    return max(other + other % 2, 1), longest


def _within(width: int, height: int, longest: int) -> tuple[int, int]:
    aspect = width / height
    if width >= height:
        return longest, max(int(longest / aspect), 1)
    return max(int(longest * aspect), 1), longest


FAMILY = Family(
    name=PROFILE.name, model_types=("idefics3", "smolvlm"), profile=profile, pictures=pictures
)
