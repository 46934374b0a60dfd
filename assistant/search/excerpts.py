"""The part of a text that was found, as segments with and without a mark: no markup, so none to
be smuggled in."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Left

from assistant.models import Message, SearchEntry
from assistant.search.plain import plain

# Texts can't hold them: the statement takes them out first.
BEGIN, END = "\x02", "\x03"
# What is looked at of a text, and what is shown, in characters.
LOOKED_AT, SHOWN = 20_000, 160
OPTIONS = f'StartSel="{BEGIN}", StopSel="{END}", MaxWords=26, MinWords=12, MaxFragments=1'

_HEADLINES = """
    SELECT id,
           ts_headline('simple', translate(shown, %(marks)s, ''),
                       websearch_to_tsquery('simple', %(text)s) || to_tsquery('simple', %(begun)s),
                       %(options)s)
      FROM unnest(%(ids)s::uuid[], %(shown)s::text[]) AS entry (id, shown)
"""


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    is_match: bool


def headlines(ids: Collection[UUID], text: str, begun: str) -> dict[UUID, list[Segment]]:
    """For each entry, the part with the most words of `text` or of the tsquery `begun`."""
    shown = _shown(ids)
    values: dict[str, Any] = {
        "ids": list(shown),
        "shown": list(shown.values()),
        "text": text,
        "begun": begun,
        "options": OPTIONS,
        "marks": BEGIN + END,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HEADLINES, values)
        return {pk: _segments(headline) for pk, headline in cursor.fetchall()}


def surroundings(ids: Collection[UUID], text: str) -> dict[UUID, list[Segment]]:
    """For each of these entries, what is around `text`, else its beginning."""
    return {pk: around(whole, text) for pk, whole in _shown(ids).items()}


def _shown(ids: Collection[UUID]) -> dict[UUID, str]:
    """The beginnings of these entries' texts as a page shows them; of answers, which are Markdown,
    the words."""
    entries = SearchEntry.objects.filter(pk__in=ids)
    rows = entries.values_list("pk", "role", Left("text", LOOKED_AT))
    return {
        pk: plain(text) if role == Message.Author.ASSISTANT else text for pk, role, text in rows
    }


def _segments(headline: str) -> list[Segment]:
    pieces = re.split(f"{BEGIN}(.*?){END}", headline, flags=re.DOTALL)
    return [Segment(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]


def around(whole: str, text: str) -> list[Segment]:
    """The surroundings of `text` in `whole`, or the beginning of `whole`."""
    found = re.search(re.escape(text.strip()), whole, re.IGNORECASE)
    if found is None:
        return [Segment(_short(whole), False)]
    begin = max(0, found.start() - SHOWN // 3)
    before, after = whole[begin : found.start()], whole[found.end() : found.end() + SHOWN]
    pieces = [
        Segment(f"…{before}" if begin else before, False),
        Segment(found[0], True),
        Segment(after, False),
    ]
    return [piece for piece in pieces if piece.text]


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + "…"
