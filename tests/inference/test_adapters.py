"""Adapters are checked before they are served: each fault with its own words."""

import json
from math import prod

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from inference.engine.adapters import CONFIG, WEIGHTS, check, header
from inference.errors import AdapterInvalid
from tests.inference.lora import make_adapter

LAYERS = ("model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj")


@pytest.fixture
def base(tmp_path):
    """A base model of one layer: wide queries and narrow values."""
    folder = tmp_path / "base"
    folder.mkdir()
    weights = {
        f"{LAYERS[0]}.weight": np.zeros((16, 8), np.float32),
        f"{LAYERS[1]}.weight": np.zeros((4, 8), np.float32),
        "model.norm.weight": np.zeros(8, np.float32),
    }
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture
def adapter(tmp_path, base):
    return make_adapter(tmp_path / "adapter", base, scale=0.1, rank=2)


def test_a_whole_adapter_passes(adapter, base):
    check(adapter, base, largest_rank=16)


def test_a_missing_folder_is_named(tmp_path, base):
    with pytest.raises(AdapterInvalid, match="nowhere"):
        check(tmp_path / "nowhere", base, 16)


@pytest.mark.parametrize("left", [0, 4, 40, -1])
def test_a_truncated_file_is_refused(adapter, base, left):
    content = (adapter / WEIGHTS).read_bytes()
    (adapter / WEIGHTS).write_bytes(content[:left])

    with pytest.raises(AdapterInvalid, match="truncated"):
        check(adapter, base, 16)


def test_keys_of_another_architecture_are_refused(adapter, base):
    change(adapter, lambda tensors: {k.replace("layers.0", "h.0"): v for k, v in tensors.items()})

    with pytest.raises(AdapterInvalid, match=r"h\.0.*no layer of the base"):
        check(adapter, base, 16)


def test_shapes_of_another_size_are_refused(adapter, base):
    change(adapter, lambda tensors: {k: np.vstack([v, v]) for k, v in tensors.items()})

    with pytest.raises(AdapterInvalid, match="but the base's layer is"):
        check(adapter, base, 16)


def test_half_a_pair_is_refused(adapter, base):
    change(adapter, lambda tensors: {k: v for k, v in tensors.items() if "lora_A" in k})

    with pytest.raises(AdapterInvalid, match="stands without"):
        check(adapter, base, 16)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_weights_that_are_not_finite_are_refused(adapter, base, bad, kind):
    def spoil(tensors):
        tensors = {key: value.astype(kind) for key, value in tensors.items()}
        tensors[next(iter(tensors))][1, 1] = bad
        return tensors

    change(adapter, spoil)

    with pytest.raises(AdapterInvalid, match="not finite"):
        check(adapter, base, 16)


def test_bfloat16_that_is_not_finite_is_seen_in_its_bits(adapter, base):
    # 0x3F80 is 1.0, 0xFF7F the lowest finite number, 0x7F80 infinity, 0x7FC0 not a number.
    for bits, is_finite in [(0x3F80, True), (0xFF7F, True), (0x7F80, False), (0x7FC0, False)]:
        write_bfloat16(adapter, bits)

        if is_finite:
            check(adapter, base, 16)
        else:
            with pytest.raises(AdapterInvalid, match="not finite"):
                check(adapter, base, 16)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole saved modules"),
        ({"bias": "all"}, "biases"),
        ({"r": 64}, "rank is 64"),
        ({"rank_pattern": {"q_proj": 32}}, "rank is 32"),
        ({"peft_type": "IA3"}, "IA3"),
    ],
)
def test_what_the_engine_cannot_serve_is_refused(adapter, base, setting, words):
    config = json.loads((adapter / CONFIG).read_text())
    (adapter / CONFIG).write_text(json.dumps(config | setting))

    with pytest.raises(AdapterInvalid, match=words):
        check(adapter, base, 16)


def change(adapter, act):
    save_file(act(load_file(adapter / WEIGHTS)), adapter / WEIGHTS)


def write_bfloat16(adapter, bits):
    """The same names and shapes, every number with these bits; numpy has no bfloat16 of its own."""
    entries, data = {}, b""
    for name, tensor in header(adapter / WEIGHTS).items():
        content = np.full(prod(tensor.shape), bits, "<u2").tobytes()
        span = [len(data), len(data) + len(content)]
        entries[name] = {"dtype": "BF16", "shape": tensor.shape, "data_offsets": span}
        data += content
    head = json.dumps(entries).encode()
    (adapter / WEIGHTS).write_bytes(len(head).to_bytes(8, "little") + head + data)
