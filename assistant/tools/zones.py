"""The time zone that a person lives in: told by their browser, UTC until then."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from assistant.errors import TimeZoneUnknown
from assistant.models import User

UTC = "UTC"


def of(person: User) -> ZoneInfo:
    """Whose name the system no longer knows is in UTC."""
    return ZoneInfo(person.time_zone if is_known(person.time_zone) else UTC)


def choose(person: User, name: str) -> None:
    """
    Raises:
        TimeZoneUnknown
    """
    if not is_known(name):
        raise TimeZoneUnknown(f"There is no time zone {name!r}; they are like Asia/Manila.")
    User.objects.filter(pk=person.pk).update(time_zone=name)
    person.time_zone = name


def is_known(name: str) -> bool:
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
