"""Files of ours that gates measure with, each locked by its hash.

A gate that was passed yesterday must mean the same today. Who changes such a file changes the hash
beside it, and says so in EXPERIMENTS.md. Nothing is ever trained on them, but for the KL term on
the bank.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def read(file: Path, sha256: str) -> list[dict[str, Any]]:
    """The objects of a JSONL file.

    Raises:
        ValueError: the file is not the one that the hash was taken of.
    """
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{file.name} was changed, but not its hash")
    return [json.loads(line) for line in content.decode().splitlines()]
