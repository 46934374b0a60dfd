"""General knowledge with one right ending out of four, so that a small model has a chance too.

Sentences to be completed rather than letters to be named: a 135M model knows that the capital of
France is Paris, and does not know what "answer with A, B, C or D" means.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from learning.evaluation import locked

FILE = Path(__file__).with_name("items.jsonl")
SHA256 = "5cc33f1e4c1bb672d1703d242ecab46a82c859d9e83ae80f1d1a8425c72946be"
# What the person says before the assistant begins the sentence.
PROMPT = "Tell me something that is true."


@dataclass(frozen=True, slots=True)
class Question:
    """The beginning of a sentence, how it goes on, and three ways in which it does not."""

    id: str
    kind: str
    sentence: str
    right: str
    wrong: list[str]


def load(file: Path = FILE) -> tuple[Question, ...]:
    """All questions, in an order that mixes the kinds and is always the same.

    Raises:
        ValueError: the file is not the one that the hash was taken of.
    """
    questions = [Question(**entry) for entry in locked.read(file, SHA256)]
    return tuple(sorted(questions, key=lambda one: hashlib.sha256(one.id.encode()).digest()))
