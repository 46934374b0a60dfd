"""Images that people uploaded, and files that nobody keeps any more."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from assistant.models.conversation import Conversation


class Image(models.Model):
    """An image as it was encoded anew here; the bytes that were sent are not kept.

    It belongs to no conversation until it is said in one, and goes with the last message of it that
    shows it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="images"
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, related_name="images"
    )
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    address = models.CharField(max_length=500, help_text="see assistant.files")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at"]
        indexes: ClassVar = [models.Index(fields=["owner", "created_at"])]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def file_name(self) -> str:
        return f"{self.pk}.{self.media_type.removeprefix('image/')}"


class DiscardedFile(models.Model):
    """A file whose row is gone. Written in the transaction that took the row, so that the file
    goes if and only if the row did."""

    address = models.CharField(max_length=500)
    discarded_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.address
