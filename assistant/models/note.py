"""What the assistant keeps of a person across conversations: a line of their profile each."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from assistant.models.conversation import Message

LONGEST = 300


class NotesNotDeleted(models.Manager["Note"]):
    """Notes that stand: neither they nor what they came from were deleted."""

    def get_queryset(self) -> models.QuerySet[Note]:
        kept = models.Q(source=None) | models.Q(
            source__deleted_at=None, source__conversation__deleted_at=None
        )
        return super().get_queryset().filter(kept, deleted_at=None)


class Note(models.Model):
    """One line of a person's profile, which every answer to them reads while memory is on.

    `source` is the message that it was taken from, and takes it along when it is deleted; null
    where the person wrote the note. `need` are the log-odds that it will be asked for, `tokens`
    what it costs of the profile's budget. Deleted ones are gone for good after the time to undo.
    """

    class Kind(models.TextChoices):
        """`OWN` is what the person wrote or changed here; only they replace it."""

        PREFERENCE = "preference"
        QUESTION = "question"
        FACT = "fact"
        OWN = "own"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes"
    )
    text = models.CharField(max_length=LONGEST)
    kind = models.CharField(max_length=16, choices=Kind)
    source = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, related_name="notes")
    need = models.FloatField()
    tokens = models.PositiveIntegerField()
    is_pinned = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    objects = NotesNotDeleted()
    with_deleted: ClassVar = models.Manager["Note"]()

    class Meta:
        # The order in which answers read them, and in which they stay when there is no room.
        ordering: ClassVar = ["-is_pinned", "-need", "-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner_id}"
