"""Stretches of the feed as lines of JSON, built by PostgreSQL; Python passes the bytes on.

COPY is the cheapest way out of the server. Its CSV writes a field as it is unless it holds the
delimiter, the quote or a line break, and JSON escapes all control characters; with two of those as
delimiter and quote, the lines need nothing done to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection

from assistant.trajectories import feed, filters, pseudonyms
from assistant.trajectories.columns import empty
from assistant.trajectories.consent import SHOWN
from assistant.trajectories.filters import Filter, mark
from assistant.trajectories.formats import FORMATS

_AS_THEY_ARE = "(FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"
# A page is held in memory, and consent is looked at anew with each.
FIRST_ROWS = 64
MOST_ROWS = 2000
WANTED_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """`last` is the cursor to go on with; `looked_at` counts trajectories, `rows` lines."""

    content: bytes
    rows: int
    looked_at: int
    last: str


@dataclass(frozen=True)
class Reading:
    """One format and filter. Tombstones are for readers that have seen something before."""

    form: str
    filter: Filter
    with_tombstones: bool = False

    def pages(self, after: int, up_to: int, limit: int) -> Iterator[Page]:
        """The feed between two places, in pieces; looks at `limit` trajectories at most."""
        rows = FIRST_ROWS
        while limit > 0:
            last, looked_at = feed.stretch(after, up_to, min(rows, limit))
            if not looked_at:
                return
            page = self._page(after, last, looked_at)
            yield page
            limit -= looked_at
            after = last
            rows = _next_size(rows, looked_at, len(page.content))

    def at(self, place: int) -> bytes:
        """The lines of one place."""
        return self._read(place - 1, place)[0]

    def _page(self, after: int, last: int, looked_at: int) -> Page:
        content, rows = self._read(after, last)
        return Page(content, rows, looked_at, filters.cursor(last, self.form, self.filter))

    def _read(self, after: int, last: int) -> tuple[bytes, int]:
        where = {**self.parameters, "after": after, "last": last}
        with connection.cursor() as cursor, cursor.copy(self.copy, where) as copy:
            lines = list(copy)
        return b"".join(lines), len(lines)

    @property
    def copy(self) -> str:
        return f"COPY ({self.sql}) TO STDOUT {_AS_THEY_ARE}"

    @cached_property
    def sql(self) -> str:
        if not self.with_tombstones:
            return f"SELECT line FROM ({self._upserts}) AS upserts"
        return f"""
            SELECT coalesce(upserts.line::text, {self._tombstone}) FROM assistant_release feed
              LEFT JOIN ({self._upserts}) AS upserts USING (trajectory_id)
             WHERE feed.position > %(after)s AND feed.position <= %(last)s
               AND (upserts.line IS NOT NULL OR feed.is_tombstone OR feed.revision > 1)
             ORDER BY feed.position
        """

    @property
    def _upserts(self) -> str:
        """Left out is what may not be seen, fails the filter, or has no row in the format."""
        shape = FORMATS[self.form]
        columns = ", ".join(f'{column.sql} AS "{column.name}"' for column in shape.columns)
        return f"""
            SELECT line.trajectory_id, row_to_json(line) AS line FROM (
                SELECT {columns} {SHOWN} {shape.source}
                 WHERE r.position > %(after)s AND r.position <= %(last)s {self.filter.sql}
                 ORDER BY r.position) AS line
        """

    @property
    def _tombstone(self) -> str:
        """Ids, and of everything else the empty value of its type."""
        own = {column.name: empty(column.type) for column in FORMATS[self.form].own}
        rest = json.dumps(own).removeprefix("{").replace("'", "''")
        return f"""
            '{{"trajectory_id":"' || feed.trajectory_id || '","revision":' || feed.revision
            || ',"op":"tombstone","cursor":"' || lpad(feed.position::text, 16, '0')
            || %(mark)s || '",{rest}'
        """

    @property
    def parameters(self) -> dict[str, Any]:
        """Of `sql`, but for the places `after` and `last`."""
        return {
            **pseudonyms.parameters(),
            **self.filter.parameters,
            "mark": mark(self.form, self.filter),
        }


def _next_size(rows: int, looked_at: int, size: int) -> int:
    """As many rows as are likely to have the wanted size, but no more than twice as many."""
    wanted = WANTED_BYTES * looked_at // max(size, 1)
    return max(1, min(wanted, 2 * rows, MOST_ROWS))
