from __future__ import annotations

import pytest

from inference.tokenizer import ChatTokenizer
from tests.system.stack import MODEL, make_model


@pytest.fixture(autouse=True)
def _one_connection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection open that holds a test's transaction.

    Channels closes connections around every trip to a thread, which is right for a server. Under
    Django's synchronous test client such a trip ends on the test's own connection.
    """
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and not marker.kwargs.get("transaction"):
        monkeypatch.setattr("channels.db.close_old_connections", lambda: None)


@pytest.fixture(scope="session")
def tokenizer() -> ChatTokenizer:
    """The embedded model's own."""
    make_model()
    return ChatTokenizer.from_folder(MODEL)
