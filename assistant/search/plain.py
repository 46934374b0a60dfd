"""What Markdown says, without its signs: for an excerpt, where it is not drawn."""

from __future__ import annotations

import re


def _cells(row: re.Match[str]) -> str:
    return ", ".join(cell.strip() for cell in row[1].split("|"))


# In this order: what stands in a link may be bold, and a line is looked at without its beginning.
_RULES = tuple(
    (re.compile(pattern, re.MULTILINE), by)
    for pattern, by in (
        (r"^[ \t]*(?:```|~~~)[^\n`]*$\n?", ""),
        (r"^(?=[ \t|:]*--)[ \t|:-]+$\n?", ""),
        (r"^[ \t]*\|(.+)\|[ \t]*$", _cells),
        (r"^(?:[ \t]*>)+[ \t]?", ""),
        (r"^[ \t]*#{1,6}[ \t]+", ""),
        (r"^[ \t]*[-*+][ \t]+(?:\[[ xX]\][ \t]+)?", ""),
        (r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\)", r"\1"),
        (r"`([^`\n]+)`", r"\1"),
        (r"(?<![\w*\\])\*\*(?=\S)([^*\n]+)(?<=\S)\*\*(?![\w*])", r"\1"),
        (r"(?<![\w*\\])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])", r"\1"),
        (r"(?<![\w\\])(__?)(?=\S)([^_\n]+)(?<=\S)\1(?![\w_])", r"\2"),
        (r"~~(?=\S)([^~\n]+)(?<=\S)~~", r"\1"),
        (r"\\([\\`*_{}\[\]()#+.!|>~-])", r"\1"),
    )
)


def plain(markdown: str) -> str:
    """Headings, lists, tables, emphasis, code and links as the words in them.

    It looks at each line alone and takes time in proportion to the text's length, so that nothing
    that is written can make it slow. What is not closed stays as it is.
    """
    text = markdown
    for pattern, by in _RULES:
        text = pattern.sub(by, text)
    return text
