"""The Celery application: queues, schedule and liveness of every worker.

GPU tasks live in `learning.worker.tasks`, where autodiscovery does not look; the workers that run
them name that module on their command line. Everyone else asks for work by name.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

app = Celery("danas")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

from assistant import heartbeat, logs_of_tasks  # noqa: E402  (the application has to exist first)

heartbeat.beat_on_celery_signals()
logs_of_tasks.carry_request_ids()
