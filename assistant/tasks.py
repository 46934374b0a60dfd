"""Small recurring work of the website, on the queue `default`."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from assistant.chat import events
from learning import intake, queue
from learning.errors import UpdateRunning


@shared_task(name="assistant.settle", ignore_result=True)
def settle() -> None:
    """Close answers whose worker is gone, and ask again for learning's work that waits."""
    events.settle_stale()
    queue.ask_for_what_waits()


@shared_task(name="assistant.schedule_update", ignore_result=True)
def schedule_update() -> None:
    """Start an update when enough was learned, or when the last one is long ago."""
    if not intake.due_for_update(settings.UPDATE_EVENTS, settings.UPDATE_HOURS):
        return
    try:
        update = intake.request_update(by="schedule", canary=False)
    except UpdateRunning:
        return
    queue.ask_update(update.pk)
