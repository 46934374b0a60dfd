"""Reminders as tools: set, list, cancel."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from pydantic import Field

from assistant.errors import AssistantError
from assistant.models import Reminder
from assistant.tools import reminders, zones
from assistant.tools.builtin.clock import said_to
from assistant.tools.builtin.notes import Nothing
from assistant.tools.builtin.tool import Arguments, Builtin, Use
from assistant.tools.errors import ToolFailed

MINUTES_A_YEAR = 527_040


class NewReminder(Arguments):
    text: str = Field(min_length=1, max_length=reminders.LONGEST, description="what of")
    at: str = Field(
        "",
        max_length=40,
        description="the person's local time like 2026-11-24T17:00; empty with in_minutes",
    )
    in_minutes: float = Field(
        0, ge=0, le=MINUTES_A_YEAR, description="from now; 0 where `at` says when"
    )


class ReminderNamed(Arguments):
    text: str = Field(min_length=1, max_length=reminders.LONGEST, description="word for word")


def set_one(use: Use, asked: NewReminder) -> str:
    due_at = _when(use, asked)
    try:
        made = reminders.add(use.person, asked.text, due_at, conversation=use.conversation)
    except AssistantError as error:
        raise ToolFailed(str(error)) from error
    return f"Set for {said_to(use.person, made.due_at)}: {made.text}"


def listed(use: Use, asked: Nothing) -> str:
    waiting = reminders.waiting(use.person)
    lines = [f"- {said_to(use.person, each.due_at)}: {each.text}" for each in waiting]
    return "\n".join(lines) or "No reminders are set."


def cancel(use: Use, asked: ReminderNamed) -> str:
    wanted = asked.text.strip().casefold()
    found = [each for each in reminders.waiting(use.person) if each.text.casefold() == wanted]
    if not found:
        raise ToolFailed("There is no such reminder; reminders_list says which there are.")
    return "\n".join(_cancelled(use, each) for each in found)


def _cancelled(use: Use, reminder: Reminder) -> str:
    reminders.delete(use.person, reminder.pk)
    return f"Cancelled: {reminder.text} ({said_to(use.person, reminder.due_at)})"


def _when(use: Use, asked: NewReminder) -> datetime:
    if bool(asked.at) == bool(asked.in_minutes):
        raise ToolFailed("Say when with either `at` or `in_minutes`.")
    if asked.in_minutes:
        return timezone.now() + timedelta(minutes=asked.in_minutes)
    try:
        at = datetime.fromisoformat(asked.at)
    except ValueError:
        raise ToolFailed(f"“{asked.at}” is no time; write it like 2026-11-24T17:00.") from None
    return at if at.tzinfo else at.replace(tzinfo=zones.of(use.person))


TOOLS = (
    Builtin(
        "reminders_set",
        "Reminds the person of something at a time.",
        NewReminder,
        set_one,
        writes=True,
    ),
    Builtin("reminders_list", "The reminders that are set.", Nothing, listed),
    Builtin("reminders_cancel", "Cancels a reminder.", ReminderNamed, cancel, writes=True),
)
