"""Links by which anybody may read a part of a conversation, and copies that people ask for."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from assistant.models.conversation import Conversation


class Share(models.Model):
    """A link to the messages that were shown when it was made. Revoking it deletes the row.

    The token is kept as it is, so that its owner can copy the link again; whoever reads this table
    can read the messages too.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shares"
    )
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="shares")
    token = models.CharField(max_length=64, unique=True)
    messages = ArrayField(models.UUIDField(), help_text="from the first to the leaf")
    leaf = models.UUIDField()
    title = models.CharField(max_length=200, blank=True)
    has_name = models.BooleanField(default=False, help_text="the owner's name is shown")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "leaf", "has_name"], name="one_share_of_a_path"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Export(models.Model):
    """A copy of all that is a person's, built by a worker and deleted after a while."""

    class State(models.TextChoices):
        QUEUED = "queued"
        BUILDING = "building"
        READY = "ready"
        FAILED = "failed"

    OPEN = (State.QUEUED, State.BUILDING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports"
    )
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0, help_text="conversations written so far")
    total = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    address = models.CharField(max_length=500, blank=True, help_text="see assistant.files")
    touched_at = models.DateTimeField(auto_now_add=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=models.Q(state__in=["queued", "building"]),
                name="one_export_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"


class Erasure(models.Model):
    """What a person asked to be deleted, until it is: all conversations, or the account too."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="erasure"
    )
    with_account = models.BooleanField()
    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.owner_id}"
