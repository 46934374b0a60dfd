"""General prompts and texts of our own, on which nothing is ever trained but the KL term."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from learning.evaluation import locked

FILE = Path(__file__).with_name("bank.jsonl")
SHA256 = "d336dc5a4fdc6b32e3334130b53412444fae94c180bdea297d13a76b6568f404"


@dataclass(frozen=True, slots=True)
class Item:
    """A question, and an answer to it written by a person. `kind` is fact, code, letter …"""

    id: str
    kind: str
    prompt: str
    text: str

    def openings(self) -> tuple[str, ...]:
        """The text's first sentence, its first half and all of it, without repeats."""
        sentences = re.split(r"(?<=[.!?:\n])\s+", self.text)
        half = " ".join(sentences[: (len(sentences) + 1) // 2])
        return tuple(dict.fromkeys((sentences[0], half, self.text)))


def load(file: Path = FILE) -> tuple[Item, ...]:
    """All items, in an order that mixes the kinds and is always the same.

    Raises:
        ValueError: the file is not the one that the hash was taken of.
    """
    items = [Item(**entry) for entry in locked.read(file, SHA256)]
    return tuple(sorted(items, key=lambda item: hashlib.sha256(item.id.encode()).digest()))
