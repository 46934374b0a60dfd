"""Checks an adapter's folder before it is served.

vLLM answers "Success" to an adapter whose keys belong to another architecture, and serves the base
model under its name. So the keys and shapes are compared with the base model's weights here, and
what vLLM can't serve (DoRA, biases, whole modules) is refused. Only the safetensors header and raw
numbers are read; no ML library is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import AdapterInvalid
from inference.profiles import Lora, lora_of

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
LARGEST_HEADER = 1 << 27
CHUNK = 1 << 20
# How safetensors calls the types that can hold what is not finite, and how numpy reads them.
# numpy has no bfloat16: its bits are looked at, where all ones in the exponent is not finite.
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
BF16_EXPONENT = 0x7F80


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a safetensors header; `begin` and `end` are bytes within the file."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def digest_of(folder: Path) -> str:
    """The SHA-256 of an adapter's weights, which is its identity."""
    digest = hashlib.sha256()
    with _open(folder / WEIGHTS) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check(folder: Path, base_model: Path, largest_rank: int) -> None:
    """Make sure that vLLM can serve this adapter on this base model, and with finite weights.

    Raises:
        AdapterInvalid: it cannot; the text says what is wrong.
    """
    config = _config(folder)
    _check_config(config, largest_rank)
    tensors = header(folder / WEIGHTS)
    _check_keys(tensors, _base_shapes(base_model), lora_of(base_model))
    _check_finite(folder / WEIGHTS, tensors)


def header(path: Path) -> dict[str, Tensor]:
    """The tensors that a safetensors file has, by name.

    Raises:
        AdapterInvalid: the file is missing, truncated, or something else.
    """
    with _open(path) as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else LARGEST_HEADER + 1
        text = file.read(length) if length <= LARGEST_HEADER else b""
        size = os.fstat(file.fileno()).st_size
    try:
        entries: dict[str, Any] = json.loads(text)
        entries.pop("__metadata__", None)
        tensors = {name: _tensor(entry, 8 + length) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterInvalid(f"{path} is no safetensors file, or is truncated.") from error
    if any(tensor.end > size for tensor in tensors.values()):
        raise AdapterInvalid(f"{path} is truncated.")
    return tensors


def _tensor(entry: dict[str, Any], offset: int) -> Tensor:
    begin, end = entry["data_offsets"]
    return Tensor(entry["dtype"], tuple(entry["shape"]), offset + begin, offset + end)


def _open(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise AdapterInvalid(f"{path} cannot be read: {error.strerror}.") from error


def _config(folder: Path) -> dict[str, Any]:
    with _open(folder / CONFIG) as file:
        try:
            config: dict[str, Any] = json.load(file)
        except ValueError as error:
            raise AdapterInvalid(f"{folder / CONFIG} is no JSON, or is truncated.") from error
    return config


def _check_config(config: dict[str, Any], largest_rank: int) -> None:
    if config.get("peft_type") != "LORA":
        raise AdapterInvalid(f"It is {config.get('peft_type')!r}, not a LoRA adapter.")
    if config.get("use_dora") or config.get("modules_to_save"):
        raise AdapterInvalid("DoRA and whole saved modules cannot be served.")
    if config.get("bias", "none") != "none":
        raise AdapterInvalid("An adapter with biases cannot be served.")
    rank = max([config.get("r", 0), *(config.get("rank_pattern") or {}).values()])
    if not 0 < rank <= largest_rank:
        raise AdapterInvalid(f"Its rank is {rank}; the engine serves up to {largest_rank}.")


def _base_shapes(base_model: Path) -> dict[str, tuple[int, ...]]:
    files = sorted(base_model.glob("*.safetensors"))
    if not files:
        raise AdapterInvalid(f"The base model {base_model} has no safetensors.")
    return {name: tensor.shape for file in files for name, tensor in header(file).items()}


def _check_keys(tensors: dict[str, Tensor], base: dict[str, tuple[int, ...]], served: Lora) -> None:
    if not tensors:
        raise AdapterInvalid("The adapter has no weights.")
    for name, tensor in tensors.items():
        match = KEY.fullmatch(name)
        shape = base.get(f"{match['module']}.weight") if match else None
        if match is None or shape is None:
            raise AdapterInvalid(f"{name} belongs to no layer of the base model.")
        if not re.fullmatch(served.pattern, match["module"]):
            raise AdapterInvalid(f"{name} is of a layer that adapters are not served on.")
        if match["side"] == "A":
            fits = len(tensor.shape) == 2 and tensor.shape[1:] == shape[1:]
        else:
            fits = len(tensor.shape) == 2 and tensor.shape[:1] == shape[:1]
        if not fits:
            raise AdapterInvalid(f"{name} is {tensor.shape}, but the base's layer is {shape}.")
        if _other(name) not in tensors:
            raise AdapterInvalid(f"{name} stands without {_other(name)}.")


def _other(name: str) -> str:
    if ".lora_A." in name:
        return name.replace(".lora_A.", ".lora_B.")
    return name.replace(".lora_B.", ".lora_A.")


def _check_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    data = np.memmap(path, dtype=np.uint8, mode="r")
    for name, tensor in tensors.items():
        if tensor.kind not in FLOATS:
            raise AdapterInvalid(f"{name} has numbers of the kind {tensor.kind}.")
        content = data[tensor.begin : tensor.end]
        if content.size != prod(tensor.shape) * np.dtype(FLOATS[tensor.kind]).itemsize:
            raise AdapterInvalid(f"{name} has more or fewer bytes than its shape needs.")
        numbers = content.view(FLOATS[tensor.kind])
        if not _are_finite(numbers, tensor.kind):
            raise AdapterInvalid(f"{name} has numbers that are not finite.")


def _are_finite(numbers: Any, kind: str) -> bool:
    if kind == "BF16":
        return bool(((numbers & BF16_EXPONENT) != BF16_EXPONENT).all())
    return bool(np.isfinite(numbers).all())
