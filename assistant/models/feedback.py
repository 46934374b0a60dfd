"""What people say about answers."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from assistant.models.conversation import Message
from learning.contracts import FeedbackKind


class Feedback(models.Model):
    """One judgement by one person on one answer that was served to that person.

    `over` is the sibling that a preference rejects. `revoked_at` is set when the person takes it
    back; the row stays, so that the reward model's log can be replayed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedback")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feedback"
    )
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in FeedbackKind])
    text = models.TextField(blank=True)
    over = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, related_name="rejections"
    )
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    reward_version = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["created_at"]
        indexes: ClassVar = [
            models.Index(fields=["person", "-created_at", "id"], name="feedback_newest")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="feedback_once_per_key",
            ),
            models.UniqueConstraint(
                fields=["person", "message", "kind"],
                condition=models.Q(revoked_at=None, kind__in=["up", "down"]),
                name="one_thumb_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.message_id}"
