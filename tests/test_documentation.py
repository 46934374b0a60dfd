"""What the documentation says about settings is what the settings are."""

from __future__ import annotations

import re
from pathlib import Path

from assistant.settings import Environment

ROOT = Path(__file__).resolve().parent.parent
# The first column of the tables in docs/settings.md.
ROW = re.compile(r"^\| `([A-Z_]+)` \| (\S.*?) \|", re.MULTILINE)


def documented() -> dict[str, str]:
    return dict(ROW.findall((ROOT / "docs" / "settings.md").read_text()))


def test_every_setting_is_documented_and_nothing_else():
    variables = {field.alias for field in Environment.model_fields.values()}

    assert set(documented()) == variables


def test_the_documented_defaults_are_the_defaults():
    for field in Environment.model_fields.values():
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            assert documented()[field.alias] == f"`{field.default}`", field.alias


def test_every_page_that_a_page_points_to_is_there():
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]

    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in link.findall(page.read_text())
        if not (page.parent / target).exists()
    ]

    assert missing == []


def test_a_variable_that_is_not_ours_changes_nothing(monkeypatch):
    untouched = Environment()

    # They are set on many machines, for other reasons.
    for name in ("HOME", "HOST", "PORT", "DEBUG", "MODEL"):
        monkeypatch.setenv(name, "7")

    assert Environment() == untouched
