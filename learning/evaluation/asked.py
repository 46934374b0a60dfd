"""Questions as people ask them, which the engine answers, with the words of right answers.

`questions` reads probabilities after a sentence that was begun for the policy, and so does not see
what is lost before it would begin that sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from learning.evaluation import locked

FILE = Path(__file__).with_name("asked.jsonl")
SHA256 = "d7d16e34035fa2890bc5dc9166e2b48e441e3e8fefeff378be58471146b40058"


@dataclass(frozen=True, slots=True)
class Asked:
    """`right`: an answer that has one of these words in it is right."""

    id: str
    prompt: str
    right: list[str]

    def is_right(self, answer: str) -> bool:
        words = "|".join(map(re.escape, self.right))
        return re.search(rf"\b(?:{words})\b", answer, re.IGNORECASE) is not None


def load(file: Path = FILE) -> tuple[Asked, ...]:
    """Raises ValueError: the file is not the one that the hash was taken of."""
    return tuple(Asked(**entry) for entry in locked.read(file, SHA256))
