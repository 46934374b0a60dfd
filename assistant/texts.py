"""Text from outside, made such that the database and UTF-8 can hold it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """NUL, and halves of characters that JSON's `\\ud800` can smuggle in, are replaced."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", REPLACEMENT)


Text = Annotated[str, AfterValidator(storable)]
