"""Short questions of fact. What the base model answers to them is what a policy is held to.

They are neither those of the gates nor those of any benchmark, which measure what it brings.
"""

from __future__ import annotations

from pathlib import Path

from learning.evaluation import locked

FILE = Path(__file__).with_name("anchors.jsonl")
SHA256 = "e6fe9c2aad80271814090badcbac7c851b4739835139dde2dcc2f5e7f5913975"


def load(file: Path = FILE) -> tuple[str, ...]:
    """Raises ValueError: the file is not the one that the hash was taken of."""
    return tuple(entry["prompt"] for entry in locked.read(file, SHA256))
