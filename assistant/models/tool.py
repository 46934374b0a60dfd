"""Tools of the policy: servers that offer some, what people allow, calls, and reminders."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from assistant.models.conversation import Conversation
from assistant.models.generation import Generation

LONGEST_KEY = 200


class Allowance(models.TextChoices):
    """What is done when the policy wants to use a tool."""

    ASK = "ask"
    ALWAYS = "always"
    NEVER = "never"


class ToolServer(models.Model):
    """A server of the Model Context Protocol that administrators set up for everybody.

    `command` and its arguments start it where it is a program, `url` is its address otherwise.
    `sealed` are its secrets: HTTP headers, or variables of the program's environment, encrypted.
    `listing` is what it said of its tools at `listed_at`, and `problem` why it said nothing.
    """

    class Transport(models.TextChoices):
        STDIO = "stdio"
        HTTP = "http"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=24, unique=True, help_text="begins the names of its tools")
    transport = models.CharField(max_length=8, choices=Transport)
    command = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    url = models.CharField(max_length=500, blank=True)
    sealed = models.TextField(blank=True)
    is_enabled = models.BooleanField(default=True)
    may_use_network = models.BooleanField(default=False)
    allowance = models.CharField(max_length=8, choices=Allowance, default=Allowance.ASK)
    timeout_s = models.PositiveIntegerField(default=30)
    listing = models.JSONField(default=list)
    listed_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ToolPermission(models.Model):
    """What a person said about a tool. `digest` is of what the tool said of itself then: one that
    is another by now is asked about again."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tool_permissions"
    )
    key = models.CharField(max_length=LONGEST_KEY)
    choice = models.CharField(max_length=8, choices=Allowance)
    digest = models.CharField(max_length=64)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "key"], name="one_choice_per_tool")
        ]

    def __str__(self) -> str:
        return f"{self.choice} {self.key}"


class ToolCall(models.Model):
    """A call that the policy made while an answer was made.

    `call_id` is the engine's name for it; `step` and `position` count from 0. `arguments` is what
    the policy wrote, whether or not it is JSON. `result` is what the policy is told, an error too.
    `sources` are messages, conversations and notes that it quotes (`tools.quotes`).
    """

    class State(models.TextChoices):
        ASKED = "asked", "waits for its person's yes"
        ALLOWED = "allowed"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        REFUSED = "refused"
        EXPIRED = "expired", "the answer ended, or nobody said yes in time"

    OPEN = (State.ASKED, State.ALLOWED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="tool_calls")
    call_id = models.CharField(max_length=120)
    step = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=LONGEST_KEY, blank=True, help_text="empty: no such tool")
    name = models.CharField(max_length=120, help_text="as the policy was told it")
    arguments = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State)
    result = models.TextField(blank=True)
    sources = ArrayField(models.UUIDField(), default=list)
    is_error = models.BooleanField(default=False)
    took_ms = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["step", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["generation", "step", "position"], name="one_call_per_place"
            )
        ]
        indexes: ClassVar = [
            GinIndex(fields=["sources"], name="tool_call_sources"),
            models.Index(
                fields=["created_at"],
                name="tool_call_open",
                condition=models.Q(state__in=["asked", "allowed", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.name}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class Reminder(models.Model):
    """What a person wants to be told at a time. It stays after that until they put it away."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reminders"
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.SET_NULL, null=True, related_name="reminders"
    )
    text = models.CharField(max_length=500)
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["due_at", "id"]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="reminder_waiting",
                condition=models.Q(fired_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"reminder of {self.owner_id} at {self.due_at:%Y-%m-%d %H:%M}"
