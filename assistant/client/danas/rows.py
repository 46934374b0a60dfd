"""What came out of a pull, put together: the newest revision of each trajectory, the dead gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Row = dict[str, Any]

# The keys that say where a row stands in the feed; the others are its format's.
PLACE = ("trajectory_id", "revision", "op", "cursor")


def newest(rows: Iterable[Row]) -> Iterator[Row]:
    """What stands of `rows`, older ones before newer ones, in the order in which it came.

    A trajectory may have several rows of one revision; a higher one takes the place of all of them,
    and a tombstone of the same or a higher one leaves none.
    """
    standing: dict[str, list[Row]] = {}
    for row in rows:
        key = row["trajectory_id"]
        held = standing.get(key)
        if row["op"] == "tombstone":
            standing.pop(key, None)
        elif held is None or row["revision"] > held[0]["revision"]:
            standing.pop(key, None)
            standing[key] = [row]
        elif row["revision"] == held[0]["revision"] and row not in held:
            held.append(row)
    for each in standing.values():
        yield from each


def without_place(row: Row) -> Row:
    """Only the format's own keys, for readers that take no others."""
    return {key: value for key, value in row.items() if key not in PLACE}
