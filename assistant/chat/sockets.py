"""The sockets that are open in this process, by person: how many, and whether one more may be."""

from __future__ import annotations

from collections import Counter

from django.conf import settings

# A frame holds one command: a message whose every character is escaped, and a little around it.
ESCAPED, AROUND = 2, 65_536

_open: Counter[int] = Counter()


def admit(person: int) -> bool:
    """Count one more; false, and not counted, when the person has as many as one may have."""
    if _open[person] >= settings.SOCKETS:
        return False
    _open[person] += 1
    return True


def leave(person: int) -> None:
    _open[person] -= 1
    if _open[person] <= 0:
        del _open[person]


def count() -> int:
    return _open.total()


def longest_frame() -> int:
    """In characters."""
    return ESCAPED * int(settings.MESSAGE_BYTES) + AROUND
