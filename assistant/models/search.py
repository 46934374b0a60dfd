"""What can be found again of each message: its words, parts of them, and its meaning."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from pgvector.django import HalfVectorField, HnswIndex

from assistant.models.conversation import Conversation, Message
from learning.embedding import DIMENSIONS

# A tsvector holds a megabyte at most, and who searches means what stands near the beginning.
LONGEST_CHARACTERS = 100_000


class SearchEntry(models.Model):
    """The searchable text of one message.

    A trigger on the table of messages keeps it: an entry is there as soon as the message has text,
    and never for temporary conversations nor for those that the HTTP API made in passing.
    """

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="search_entry"
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="search_entries"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="search_entries"
    )
    role = models.CharField(max_length=16)
    text = models.TextField()
    created_at = models.DateTimeField(help_text="when the message was")
    words = models.GeneratedField(
        expression=SearchVector("text", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at"], name="search_owner"),
            GinIndex(fields=["words"], name="search_words"),
            # With the owner in it, only that person's texts are compared letter by letter.
            GinIndex(
                fields=["owner", "text"],
                opclasses=["int8_ops", "gin_trgm_ops"],
                name="search_parts",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class SearchMeaning(models.Model):
    """The vector of an entry's text, of length 1; null until `search.meaning` has made it.

    A table of its own, since filling in a column of the entry would write its words anew.
    """

    entry = models.OneToOneField(
        SearchEntry, on_delete=models.CASCADE, primary_key=True, related_name="meaning"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    vector = HalfVectorField(dimensions=DIMENSIONS, null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["entry"],
                name="search_meaning_missing",
                condition=models.Q(vector__isnull=True),
            ),
            HnswIndex(
                fields=["vector"], opclasses=["halfvec_cosine_ops"], name="search_meaning_near"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
