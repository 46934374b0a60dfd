"""The tools that Danas brings along, by name."""

from __future__ import annotations

from assistant.tools.builtin import calculator, clock, history, notes, reminding
from assistant.tools.builtin.tool import Arguments, Builtin, Use

__all__ = ["ALL", "Arguments", "Builtin", "Use"]

ALL: dict[str, Builtin] = {
    tool.name: tool
    for tool in (clock.TIME, calculator.CALCULATOR, *notes.TOOLS, *reminding.TOOLS, history.SEARCH)
}
