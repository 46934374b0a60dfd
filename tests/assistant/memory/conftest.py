from __future__ import annotations

import pytest

from tests.system.stack import MODEL, make_model


@pytest.fixture
def counted(settings) -> None:
    """The website counts tokens as the embedded model does."""
    make_model()
    settings.MODEL_PATH = MODEL
