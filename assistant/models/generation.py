"""One answer being made, and the append-only log of what happened to it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from assistant.models.conversation import Message


class Generation(models.Model):
    """The making of one answer. It belongs to a worker, never to a socket.

    Its key is the answer's message, so that an answer and its generation have one name.
    `last_seq` is the number of events in the log; `chat` (API requests only) holds the messages
    that came with the request in place of a stored conversation's window. `left_out` says what of
    memory it is to do without, as `{"blocks": [id, …], "notes": [id, …]}`; null is nothing.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"
        INTERRUPTED = "interrupted"

    OPEN = (Status.QUEUED, Status.RUNNING)

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="generation"
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    model = models.CharField(
        max_length=80, help_text="what was asked for: danas, base or a version"
    )
    policy = models.CharField(max_length=80, blank=True, help_text="the version that answered")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of its weights")
    sampling = models.JSONField(
        default=dict, help_text="temperature, top_p, max_tokens, seed, stop"
    )
    chat = models.JSONField(null=True)
    left_out = models.JSONField(null=True)
    asked = models.JSONField(
        default=dict,
        db_default={},
        help_text="uses_tools; of an API request tools, tool_choice, response_format, template",
    )
    worker = models.CharField(max_length=80, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    stop_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=40, blank=True)
    request_id = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="of the request that asked, for the logs",
    )
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                name="generation_open",
                condition=models.Q(status__in=["queued", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN


class GenerationEvent(models.Model):
    """One entry of the log. Sequence numbers start at 1 and have no gaps."""

    class Kind(models.TextChoices):
        START = "start"
        REASONING = "reasoning"
        TEXT = "text"
        TOOL = "tool"
        MEMORY = "memory"
        USAGE = "usage"
        DONE = "done"
        ERROR = "error"
        STOPPED = "stopped"

    LAST = (Kind.DONE, Kind.ERROR, Kind.STOPPED)

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation", "seq"], name="one_event_per_seq")
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
