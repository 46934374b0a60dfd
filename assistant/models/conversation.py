"""Conversations: trees of messages whose content is a list of parts."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models


class Conversation(models.Model):
    """A tree of messages. `is_listed` is false for those that the HTTP API made in passing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    system_text = models.TextField(help_text="fixed when the conversation begins")
    is_listed = models.BooleanField(default=True)
    is_temporary = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-updated_at"]
        indexes: ClassVar = [models.Index(fields=["owner", "is_listed", "-updated_at"])]

    def __str__(self) -> str:
        return self.title or str(self.pk)


class Message(models.Model):
    """One message. Siblings share a parent; the parent of a conversation's first message is null.

    `parts` is a list of `{"type": "text", "text": …}` and `{"type": "image", "image": id}`; it is
    empty while an answer is being made, and written in the transaction that ends it. The id is
    chosen by the client, which makes sending idempotent.
    """

    class Author(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=16, choices=Author)
    parts = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at"]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def text(self) -> str:
        """The text parts, joined by a line break."""
        return "\n".join(part["text"] for part in self.parts if part["type"] == "text")
