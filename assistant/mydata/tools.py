"""What a person's copy of their data has of tools: reminders, what they allowed, and calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assistant.models import Reminder, ToolCall, ToolPermission, User
from assistant.models.conversation import owned_by


def of(person: User) -> dict[str, Any]:
    return {
        "time_zone": person.time_zone,
        "reminders": [
            {
                "text": each.text,
                "due_at": each.due_at.isoformat(),
                "told_at": each.fired_at.isoformat() if each.fired_at else None,
            }
            for each in Reminder.objects.filter(owner=person)
        ],
        "allowed": {each.key: each.choice for each in ToolPermission.objects.filter(person=person)},
        "calls": list(_calls(person)),
    }


def _calls(person: User) -> Iterator[dict[str, Any]]:
    where = "generation__message__conversation"
    kept = ToolCall.objects.filter(owned_by(person, where), **{f"{where}__is_temporary": False})
    for call in kept.order_by("created_at").iterator():
        yield {
            "answer": str(call.generation_id),
            "name": call.name,
            "arguments": call.arguments,
            "state": call.state,
            "result": call.result,
            "at": call.created_at.isoformat(),
        }
