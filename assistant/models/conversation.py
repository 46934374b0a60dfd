"""Conversations, trees of messages whose content is a list of parts; folders they lie in."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower

from assistant.models.account import User


class Folder(models.Model):
    """A person's folder. Deleting it leaves its conversations, in no folder."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="folders"
    )
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("owner", Lower("name"), name="one_folder_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class NotDeleted(models.Manager["Conversation"]):
    """Conversations that their owners have not deleted."""

    def get_queryset(self) -> models.QuerySet[Conversation]:
        return super().get_queryset().filter(deleted_at=None)


class Conversation(models.Model):
    """A tree of messages. `is_listed` is false for those that the HTTP API made in passing.

    Between being deleted and being gone (`library.deletion`) a conversation has `deleted_at`, and
    `objects` does not have it. A query that comes from another table asks with `owned_by`.
    """

    class Titling(models.TextChoices):
        """Who named it; a person's title is never overwritten."""

        RULE = "rule"
        MODEL = "model"
        PERSON = "person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    titled_by = models.CharField(
        max_length=8, choices=Titling, default=Titling.RULE, db_default=Titling.RULE
    )
    system_text = models.TextField(help_text="fixed when the conversation begins")
    is_listed = models.BooleanField(default=True)
    is_temporary = models.BooleanField(default=False)
    is_pinned = models.BooleanField(default=False, db_default=False)
    is_archived = models.BooleanField(default=False, db_default=False)
    folder = models.ForeignKey(
        Folder, on_delete=models.SET_NULL, null=True, related_name="conversations"
    )
    uses_memory = models.BooleanField(default=True, db_default=True)
    carried_at = models.DateTimeField(
        null=True, help_text="what was said up to then was looked through for the profile"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    objects = NotDeleted()
    with_deleted: ClassVar = models.Manager["Conversation"]()

    class Meta:
        ordering: ClassVar = ["-updated_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["owner", "is_archived", "-updated_at", "-id"],
                name="conversation_list",
                condition=models.Q(is_listed=True, is_temporary=False, deleted_at=None),
            ),
            models.Index(
                fields=["folder", "-updated_at"],
                name="conversation_in_folder",
                condition=models.Q(folder__isnull=False),
            ),
            models.Index(
                fields=["owner", "-updated_at"],
                name="conversation_pinned",
                condition=models.Q(is_pinned=True),
            ),
            models.Index(
                fields=["deleted_at"],
                name="conversation_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
            models.Index(
                fields=["updated_at"],
                name="conversation_temporary",
                condition=models.Q(is_temporary=True),
            ),
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="conversation_title"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.pk)


def not_deleted(through: str = "conversation") -> models.Q:
    """Rows whose conversation, reached by `through`, was not deleted; nor a message on the way."""
    kept = models.Q(**{f"{through}__deleted_at": None})
    if through.endswith("message__conversation"):
        kept &= models.Q(**{f"{through.removesuffix('conversation')}deleted_at": None})
    return kept


def owned_by(person: User, through: str = "conversation") -> models.Q:
    """Rows of this person's conversations, the deleted ones left out."""
    return models.Q(**{f"{through}__owner": person}) & not_deleted(through)


class MessagesNotDeleted(models.Manager["Message"]):
    """Messages that their owners have not deleted."""

    def get_queryset(self) -> models.QuerySet[Message]:
        return super().get_queryset().filter(deleted_at=None)


class Message(models.Model):
    """One message. Siblings share a parent; the parent of a conversation's first message is null.

    `parts` is a list of `{"type": "text", "text": …}` and `{"type": "image", "image": id}`; it is
    empty while an answer is being made, and written in the transaction that ends it. The id is
    chosen by the client, which makes sending idempotent. Deleted ones (`memory.forgetting`) are not
    among `objects`.
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
    deleted_at = models.DateTimeField(null=True, help_text="it is really deleted soon after")

    objects = MessagesNotDeleted()
    with_deleted: ClassVar = models.Manager["Message"]()

    class Meta:
        ordering: ClassVar = ["created_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["deleted_at"],
                name="message_deleted",
                condition=models.Q(deleted_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def text(self) -> str:
        """The text parts, joined by a line break."""
        return "\n".join(part["text"] for part in self.parts if part["type"] == "text")
