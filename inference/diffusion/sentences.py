"""Where a text may be cut. Every way of cutting gives back the text when its pieces are joined."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

# After the end of a sentence and any closing quotes, before the space; or after line breaks. An
# ellipsis between spaces stands for what was left out and belongs to what follows.
BORDER = re.compile(r"(?:(?<=[.!?])|(?<=\S…))[\"'”’)\]]*(?=\s)|(?<=[。！？؟۔।])|\n+")  # noqa: RUF001


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, each with the spaces before it and the breaks after it."""
    return _cut(text, [match.end() for match in BORDER.finditer(text)])


def pieces(text: str, spans: Sequence[tuple[int, int]], limit: int) -> list[str]:
    """Cut a text into pieces of about `limit` tokens: at sentences, else at words, else anywhere.

    `spans` are the places of the text's tokens. A piece may have a few tokens more on its own than
    it has within the text, so the caller counts again. No character is cut in two.
    """
    starts = [start for start, _ in spans]
    sentence_ends = [match.end() for match in BORDER.finditer(text)]
    borders = [0]
    while (reach := _reach(starts, borders[-1], limit)) is not None:
        borders.append(
            _last_end(sentence_ends, borders[-1], reach)
            or _last_space(text, borders[-1], reach)
            or reach
        )
    return _cut(text, borders)


def _reach(starts: Sequence[int], begin: int, limit: int) -> int | None:
    """The place that `limit` tokens reach from `begin`; None if that is the end of the text."""
    beyond = bisect_left(starts, begin) + limit
    return max(starts[beyond], begin + 1) if beyond < len(starts) else None


def _last_end(ends: Sequence[int], begin: int, reach: int) -> int | None:
    index = bisect_right(ends, reach) - 1
    return ends[index] if index >= 0 and ends[index] > begin else None


def _last_space(text: str, begin: int, reach: int) -> int | None:
    """The last place that stands before a space: a word takes the space before it along."""
    return next((place for place in range(reach, begin, -1) if text[place].isspace()), None)


def _cut(text: str, borders: Sequence[int]) -> list[str]:
    places = [0, *borders, len(text)]
    return [text[a:b] for a, b in pairwise(places) if a < b]
