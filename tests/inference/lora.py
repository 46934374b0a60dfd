"""Small LoRA adapters in PEFT's format, written without PEFT."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from inference.engine.adapters import CONFIG, WEIGHTS, header

MODULES = ("q_proj", "v_proj")


def make_adapter(
    folder: Path, base_model: Path, *, scale: float, rank: int = 8, seed: int = 7
) -> Path:
    """A random adapter on the base's attention; with scale 0 it changes nothing."""
    folder.mkdir(parents=True)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(MODULES),
        "base_model_name_or_path": str(base_model),
    }
    (folder / CONFIG).write_text(json.dumps(config))
    save_file(tensors_for(shapes_of(base_model), scale, rank, seed), folder / WEIGHTS)
    return folder


def shapes_of(base_model: Path) -> dict[str, tuple[int, ...]]:
    weights = {
        name: tensor.shape
        for file in base_model.glob("*.safetensors")
        for name, tensor in header(file).items()
    }
    return {
        name.removesuffix(".weight"): shape
        for name, shape in weights.items()
        if name.split(".")[-2] in MODULES
    }


def tensors_for(
    shapes: dict[str, tuple[int, ...]], scale: float, rank: int, seed: int
) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    tensors = {}
    for name, (rows, columns) in shapes.items():
        a = random.standard_normal((rank, columns)) / np.sqrt(columns)
        b = random.standard_normal((rows, rank)) * scale
        tensors[f"base_model.model.{name}.lora_A.weight"] = a.astype(np.float32)
        tensors[f"base_model.model.{name}.lora_B.weight"] = b.astype(np.float32)
    return tensors
