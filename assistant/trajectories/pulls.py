"""The researchers' pull itself, and the record of who took what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone

from assistant.errors import CursorInvalid
from assistant.models import Pull, User
from assistant.trajectories import feed, filters
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.lines import Page, Reading


@dataclass(frozen=True, slots=True)
class Asked:
    """What a researcher asks for: `since` is the cursor of the last row that they have."""

    form: str
    filter: Filter
    since: str
    limit: int


class Stream:
    """One pull under way: pages in order, each written down before it is handed out.

    It ends at what was the feed's end when it began. Every method reads or writes the database.
    """

    def __init__(self, person: User, asked: Asked) -> None:
        """Raises CursorInvalid."""
        after = filters.position(asked.since, asked.form, asked.filter)
        feed.give_places()
        head = feed.head()
        if after > head:
            raise CursorInvalid(
                "since: this cursor is later than all rows. This Danas was put back to an earlier"
                " state from a back-up; begin anew with since=0."
            )
        # Whoever begins anew has nothing that could be gone. A cursor before all rows is for those
        # who have begun and have no later one yet.
        has_begun = bool(asked.since.strip("0"))
        reading = Reading(asked.form, asked.filter, with_tombstones=has_begun)
        self._pages: Iterator[Page] = reading.pages(after, head, asked.limit)
        self._record = begin(
            person, Pull.How.PULL, form=asked.form, filter_=asked.filter, first=asked.since
        )

    def next(self) -> bytes | None:
        """Some lines, maybe none; None at the end."""
        page = next(self._pages, None)
        if page is None:
            self.end(is_whole=True)
            return None
        Pull.objects.filter(pk=self._record.pk).update(rows=F("rows") + page.rows, last=page.last)
        return page.content

    def end(self, *, is_whole: bool) -> None:
        """Only the first ending counts."""
        end(self._record, is_whole=is_whole)


def begin(person: User, how: Pull.How, *, form: str = "", filter_: Filter, **values: Any) -> Pull:
    return Pull.objects.create(
        person=person,
        name=person.username,
        how=how,
        format=form,
        filter=filter_.written(),
        **values,
    )


def end(record: Pull, *, is_whole: bool) -> None:
    Pull.objects.filter(pk=record.pk, ended_at=None).update(
        ended_at=timezone.now(), is_whole=is_whole
    )


def note(person: User, how: Pull.How, rows: int, *, form: str = "", filter_: Filter) -> None:
    """Write down what is over at once."""
    over = {"rows": rows, "ended_at": timezone.now(), "is_whole": True}
    begin(person, how, form=form, filter_=filter_, **over)


def check_format(form: str) -> str:
    """Raises ValueError, with the formats that there are."""
    if form not in FORMATS:
        raise ValueError(f"format: there is no {form!r}; there are {', '.join(FORMATS)}.")
    return form
