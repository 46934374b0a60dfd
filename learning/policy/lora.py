"""LoRA on every linear layer of the language model, and its folder in PEFT's format.

The layers are named by an explicit pattern: PEFT's "all-linear" would also reach the vision tower
of a vision-language model, whose adapters vLLM ignores with a warning unless it was started to
serve them; they are an option. No DoRA, biases or `modules_to_save`, which vLLM cannot serve.

After "LoRA Without Regret" (Thinking Machines, 2025): all layers, small rank.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from transformers import PreTrainedModel

from learning.errors import CheckpointInvalid
from learning.policy import linear
from learning.policy.trainer import Lora, SavedState

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# `language_model` and `text_model` are what vision-language models call their language part.
PATTERN = (
    r"(model\.)+((language_model|text_model)\.)?layers\.\d+\.(self_attn|mlp)\."
    rf"({'|'.join(LAYERS)})"
)
# What holds the tower of a vision-language model, and what connects it to the language part.
SEEING = ("visual", "vision_model", "vision_tower", "connector", "multi_modal_projector")
WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
# What lies beside an adapter from which training can go on.
MOMENTS_FILE = "optimizer.safetensors"
NOTES_FILE = "progress.json"
ADAPTER = "default"


def attach(model: PreTrainedModel, lora: Lora) -> PeftModel:
    """Put a fresh float32 adapter, drawn from the seed, on a frozen model: a change of zero."""
    seeing = seeing_layers(model) if lora.is_seeing else []
    pattern = "|".join([PATTERN, *map(re.escape, seeing)])
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=pattern, task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lora.seed)
        adapted = PeftModel(model, config, adapter_name=ADAPTER, autocast_adapter_dtype=True)
    linear.take_over(adapted, ADAPTER)
    return adapted


def seeing_layers(model: PreTrainedModel) -> list[str]:
    """The linear layers of the vision tower and of what connects it, by name."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not set(SEEING).isdisjoint(name.split("."))
    ]


def attach_saved(model: PreTrainedModel, folder: Path) -> PeftModel:
    """Put a saved adapter on a frozen model, to be trained on.

    Raises:
        CheckpointInvalid: the folder is incomplete, or its weights are not this model's.
    """
    lora, tensors = read(folder)
    adapted = attach(model, lora)
    try:
        _set(adapted, tensors, folder)
    except CheckpointInvalid:
        adapted.unload()
        raise
    return adapted


def restore(adapted: PeftModel, folder: Path) -> SavedState:
    """Give an adapter the weights of a saved one of its own shape. Raises CheckpointInvalid."""
    _, tensors = read(folder)
    _set(adapted, tensors, folder)
    return SavedState(folder, hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest())


def _set(adapted: PeftModel, tensors: dict[str, Tensor], folder: Path) -> None:
    expected = get_peft_model_state_dict(adapted, adapter_name=ADAPTER)
    if tensors.keys() != expected.keys() or any(
        tensors[key].shape != expected[key].shape for key in expected
    ):
        raise CheckpointInvalid(f"{folder.name} holds weights for another model")
    set_peft_model_state_dict(adapted, tensors, adapter_name=ADAPTER)


@contextmanager
def adapter_off(model: PreTrainedModel) -> Iterator[None]:
    """Compute with the base alone for a while, whether or not the model carries an adapter."""
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def read(folder: Path) -> tuple[Lora, dict[str, Tensor]]:
    """Shape and weights of a saved adapter. Raises CheckpointInvalid."""
    try:
        config = json.loads((folder / CONFIG_FILE).read_text())
        tensors = load_file(folder / WEIGHTS_FILE)
        is_seeing = any(not set(SEEING).isdisjoint(name.split(".")) for name in tensors)
        lora = Lora(int(config["r"]), int(config["lora_alpha"]), is_seeing=is_seeing)
        return lora, tensors
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise CheckpointInvalid(f"{folder.name} is not a whole adapter: {error}") from error


def read_moments(folder: Path) -> dict[str, Tensor]:
    """Raises CheckpointInvalid."""
    try:
        return load_file(folder / MOMENTS_FILE)
    except (OSError, SafetensorError) as error:
        raise CheckpointInvalid(f"{folder.name} cannot be gone on from: {error}") from error


def write(model: PeftModel, folder: Path, beside: Mapping[str, bytes]) -> SavedState:
    """Write the adapter; `folder` appears whole or, when the disk is full, not at all.

    `beside` are files that belong to it, by their names.

    Raises:
        OSError: it could not be written.
        FileExistsError: the folder is there already: adapters are never overwritten.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists, and adapters are never overwritten")
    tensors = {
        key: value.detach().to("cpu", torch.float32).contiguous()
        for key, value in get_peft_model_state_dict(model, adapter_name=ADAPTER).items()
    }
    weights = save(tensors, metadata={"format": "pt"})
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        config = json.dumps(_config(model, list(tensors)), indent=2)
        _write_durably(unfinished / CONFIG_FILE, config.encode())
        _write_durably(unfinished / WEIGHTS_FILE, weights)
        for name, content in beside.items():
            _write_durably(unfinished / name, content)
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return SavedState(folder, hashlib.sha256(weights).hexdigest())


def _config(model: PeftModel, tensors: Sequence[str]) -> dict[str, object]:
    """PEFT's own file, with layers by name: not every reader takes a pattern. Those of a vision
    model have their whole names, since towers have layers of the same short ones."""
    whole = sorted({re.sub(r"^base_model\.model\.|\.lora_[AB]\.weight$", "", n) for n in tensors})
    is_plain = not hasattr(model.get_base_model().config, "vision_config")
    config = cast(LoraConfig, model.peft_config[ADAPTER])
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": config.base_model_name_or_path,
        "r": config.r,
        "lora_alpha": config.lora_alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(LAYERS) if is_plain else whole,
        "inference_mode": True,
    }


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
