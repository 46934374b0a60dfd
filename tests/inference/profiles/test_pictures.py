"""The tokens of a picture, against the processors of transformers."""

import json
from types import SimpleNamespace

import pytest
import torch
from transformers import Idefics3Processor
from transformers.models.idefics3.image_processing_idefics3 import Idefics3ImageProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

from inference.errors import TemplateRefused
from inference.profiles import pictures_of, profile_of

SIZES = [(1, 1), (2, 3), (33, 31), (48, 16), (640, 480), (481, 1023), (1999, 10), (10, 1999)]
LARGE = [(10_000, 10_000), (4097, 300), (3000, 4000)]
QWEN3_VL = {
    "patch_size": 16,
    "merge_size": 2,
    "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216},
}
SMALL_QWEN3_VL = QWEN3_VL | {"size": {"shortest_edge": 9216, "longest_edge": 9216}}
MEGAPIXEL = 1 << 20
IDEFICS3 = {"size": {"longest_edge": 4 * 364}, "max_image_size": {"longest_edge": 364}}
SMOLVLM = {"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}}
# A length that is no multiple of the tile's side.
ODD = {"size": {"longest_edge": 1000}, "max_image_size": {"longest_edge": 364}}
WHOLE = {"do_image_splitting": False, "max_image_size": {"longest_edge": 64}}


def rule(folder, kind, images, **processor):
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    (folder / "processor_config.json").write_text(json.dumps(processor))
    return pictures_of(folder)


@pytest.mark.parametrize("images", [QWEN3_VL, SMALL_QWEN3_VL], ids=["large", "small"])
def test_qwen3_vl_s_tokens_are_its_processor_s(images, tmp_path):
    pictures = rule(tmp_path, "qwen3_vl", images)
    processor = Qwen2VLImageProcessor(**images | profile_of(tmp_path).processor)

    found = {size: pictures.text_of(*size) for size in (*SIZES, *LARGE)}

    for (width, height), text in found.items():
        patches = processor.get_number_of_image_patches(height, width, {})
        assert text == "<|image_pad|>" * (patches // 4), (width, height)


def test_a_picture_takes_no_more_than_a_megapixel_s_tokens(tmp_path):
    pictures = rule(tmp_path, "qwen3_vl", QWEN3_VL)

    # 1,024 by 1,024 pixels, a token for every 32 by 32.
    assert pictures.text_of(2048, 2048).count("<|image_pad|>") == 1024
    assert profile_of(tmp_path).processor["size"]["longest_edge"] == MEGAPIXEL


def test_a_processor_with_a_lower_limit_keeps_it(tmp_path):
    rule(tmp_path, "qwen3_vl", SMALL_QWEN3_VL)

    assert profile_of(tmp_path).processor == {}


def test_qwen3_vl_s_tokens_are_those_of_a_processed_picture(tmp_path):
    pictures = rule(tmp_path, "qwen3_vl", SMALL_QWEN3_VL)
    processor = Qwen2VLImageProcessor(**SMALL_QWEN3_VL)

    for width, height in SIZES:
        grid = processor(torch.zeros(3, height, width, dtype=torch.uint8))["image_grid_thw"]
        assert pictures.text_of(width, height).count("<|image_pad|>") == int(grid[0].prod()) // 4


def test_a_picture_that_the_model_would_refuse_is_refused(tmp_path):
    pictures = rule(tmp_path, "qwen3_vl", QWEN3_VL)

    with pytest.raises(TemplateRefused, match="too narrow"):
        pictures.text_of(10, 3000)


@pytest.mark.parametrize(
    "images", [IDEFICS3, SMOLVLM, ODD, WHOLE], ids=["idefics3", "smolvlm", "odd", "whole"]
)
def test_idefics3_s_tokens_are_its_processor_s(images, tmp_path):
    pictures = rule(tmp_path, "idefics3", images, image_seq_len=3)
    processor = Idefics3ImageProcessor(**images, do_pad=False, return_row_col_info=True)

    for width, height in (*SIZES, (4097, 300)):
        seen = processor(torch.zeros(3, height, width, dtype=torch.uint8))
        assert pictures.text_of(width, height) == worded(seen), (width, height)


def worded(seen):
    """What Idefics3's processor writes for one picture."""
    marks = {
        "fake_image_token": "<fake_token_around_image>",
        "global_image_tag": "<global-img>",
        "image_token": "<image>",
        "image_seq_len": 3,
    }
    return Idefics3Processor.replace_image_token(SimpleNamespace(**marks), seen, 0)


def test_a_text_model_has_no_rule_for_pictures(tmp_path):
    assert rule(tmp_path, "qwen3", {}) is None
