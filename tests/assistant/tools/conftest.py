from __future__ import annotations

import pytest
from channels.db import database_sync_to_async

from assistant.tools import calling


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built-in tools see what the test's own transaction holds."""
    monkeypatch.setattr(calling, "in_thread", database_sync_to_async)
