from __future__ import annotations

import pytest

from inference.tokenizer import ChatTokenizer
from tests.system.stack import MODEL, make_model


@pytest.fixture(scope="session")
def tokenizer() -> ChatTokenizer:
    """The embedded model's own."""
    make_model()
    return ChatTokenizer.from_folder(MODEL)
