"""Wiring of the website's app, and system checks for settings that do not fit together."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


class AssistantConfig(AppConfig):
    name = "assistant"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Whoever asks for work by name has to know where our broker is.
        from assistant import celery, files  # noqa: F401

        files.discard_with_rows()

        register(window_leaves_room_for_system_text)


def window_leaves_room_for_system_text(**kwargs: Any) -> list[CheckMessage]:
    """A word is at least one token, so W words never fit a window of W tokens."""
    words = len(settings.SYSTEM_TEXT.split())
    if words < settings.WINDOW_TOKENS:
        return []
    return [
        Error(
            f"DANAS_SYSTEM_TEXT has {words} words, "
            f"DANAS_WINDOW_TOKENS is only {settings.WINDOW_TOKENS}.",
            hint="Shorten the system text or widen the window.",
            id="danas.E001",
        )
    ]
