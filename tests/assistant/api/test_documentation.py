"""docs/api.md names every status and code, so that a client's author need not read the code."""

from pathlib import Path

from assistant.api.errors import STATUS_OF_CODE
from assistant.models import Scope
from assistant.trajectories.formats import FORMATS

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def test_every_code_is_listed_beside_its_status():
    rows = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| ")]
    codes = {status.strip(): text for status, text in rows}

    for code, status in STATUS_OF_CODE.items():
        row = next(text for key, text in codes.items() if str(status) in key.split(", "))
        assert f"`{code}`" in row


def test_every_scope_and_format_is_described():
    for name in [*Scope.values, *FORMATS]:
        assert f"`{name}`" in PAGE
