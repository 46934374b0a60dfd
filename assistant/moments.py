"""Moments as people send them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator


def _in_utc(moment: datetime) -> datetime:
    """PostgreSQL knows no zone further than 16 hours away, and Python no year before 1."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("A moment between the years 1 and 9999 is expected.") from None


# Without a zone, UTC is meant.
Moment = Annotated[datetime, AfterValidator(_in_utc)]
