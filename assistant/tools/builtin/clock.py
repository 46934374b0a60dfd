"""What time it is for the person, and how times are said to the policy."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from pydantic import Field

from assistant.models import User
from assistant.tools import zones
from assistant.tools.builtin.tool import Arguments, Builtin, Use
from assistant.tools.errors import ToolFailed


class Where(Arguments):
    time_zone: str = Field("", max_length=64, description="like Asia/Manila; empty: the person's")


def now(use: Use, asked: Where) -> str:
    if asked.time_zone and not zones.is_known(asked.time_zone):
        raise ToolFailed(f"There is no time zone “{asked.time_zone}”; they are like Asia/Manila.")
    zone = ZoneInfo(asked.time_zone) if asked.time_zone else zones.of(use.person)
    return said(timezone.now(), zone)


def said(at: datetime, zone: ZoneInfo) -> str:
    """`Tuesday, 24 November 2026, 17:05 (Asia/Manila)`."""
    local = at.astimezone(zone)
    return f"{local:%A}, {local.day} {local:%B %Y}, {local:%H:%M} ({zone.key})"


def said_to(person: User, at: datetime) -> str:
    return said(at, zones.of(person))


TIME = Builtin("time", "The present date, weekday and time.", Where, now)
