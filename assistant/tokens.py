"""The policy's own tokens, for processes that have to count or read them without an engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings

from assistant.errors import ModelNotThere
from inference.tokenizer import ChatTokenizer


def tokenizer() -> ChatTokenizer:
    """
    Raises:
        ModelNotThere: the model's files are not on this machine (yet).
    """
    if not (settings.MODEL_PATH / "tokenizer.json").exists():
        raise ModelNotThere("The model's files are not there yet; try again in a moment.")
    return _read(settings.MODEL_PATH)


@cache
def _read(folder: Path) -> ChatTokenizer:
    return ChatTokenizer.from_folder(folder)
