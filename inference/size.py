"""How large a model is, for what only larger ones do well."""

from __future__ import annotations

from pathlib import Path


def bytes_of_weights(folder: Path) -> int:
    """Of a model's folder; 0 where there are no weights."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
