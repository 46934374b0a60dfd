"""The review queue: what is to be looked at, who looks at it, and what was decided."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from pgvector.django import HnswIndex, VectorField

from assistant.models.conversation import Conversation
from assistant.models.feedback import Feedback

MEANING_DIMENSIONS = 256


class Verdict(models.TextChoices):
    """What a reviewer can do with an item."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"
    REDACT = "redact"
    ESCALATE = "escalate"


class ReviewItem(models.Model):
    """One piece of feedback to be looked at, with prompt and answer as they were at its time.

    A pending item is claimed while `lease_until` is in the future: `holder` has it, and whoever
    knows `token` may decide. `path` is a list of `{"role", "text"}` before the answer. `pii` holds
    hints, `{"where", "start", "end", "kind"}`, in characters (code points) of the text that `where`
    names. What else hangs on the item (meaning, marks, contradictions) is described after the
    commit, by a worker; `described_at` is null until then.

    `first_by` has decided an item that `needs_second`; until a second reviewer has too, blind, it
    stays pending and nothing comes of it.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        CORRECTED = "corrected"
        REJECTED = "rejected"
        REDACTED = "redacted"
        ESCALATED = "escalated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    feedback = models.OneToOneField(Feedback, on_delete=models.CASCADE, related_name="review")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviewed"
    )
    pseudonym = models.CharField(max_length=32, db_index=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    tags = ArrayField(models.CharField(max_length=40), default=list)
    policy = models.CharField(max_length=80)
    path = models.JSONField(default=list)
    answer = models.TextField()
    over = models.TextField(blank=True, help_text="the sibling that a preference rejects")
    said = models.TextField(blank=True, help_text="the comment, or the answer they wrote")
    words = models.TextField(help_text="what is searched and compared: the last of path, and all")
    document = models.GeneratedField(
        expression=SearchVector("words", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    polarity = models.SmallIntegerField(default=0, help_text="1 liked, -1 disliked, 0 neither")
    meaning = VectorField(dimensions=MEANING_DIMENSIONS, null=True)
    pii = models.JSONField(default=list)
    has_pii = models.BooleanField(default=False)
    described_at = models.DateTimeField(null=True)
    influence = models.FloatField(null=True)
    unsure = models.FloatField(null=True, help_text="4p(1-p) of what the reward model predicted")
    priority = models.FloatField(default=0, help_text="influence times unsure")

    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    needs_second = models.BooleanField(default=False)
    first_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(help_text="when the feedback was given")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                models.F("priority").desc(),
                "created_at",
                "id",
                name="review_queue",
                condition=models.Q(state="pending"),
            ),
            models.Index(fields=["state", "-created_at", "id"], name="review_newest"),
            models.Index(
                fields=["created_at"],
                name="review_undescribed",
                condition=models.Q(described_at=None),
            ),
            GinIndex(fields=["document"], name="review_words"),
            HnswIndex(name="review_meaning", fields=["meaning"], opclasses=["vector_cosine_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


class Bulk(models.Model):
    """One verdict on many items, bound to those that were previewed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    verdict = models.CharField(max_length=16, choices=Verdict)
    items = ArrayField(models.UUIDField())
    made_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.verdict} {len(self.items)} items"


class Decision(models.Model):
    """What one reviewer made of an item; it stays apart from what the person said.

    `token` is that of the claim it was made under, so deciding twice is deciding once. `spans`
    are `{"where", "start", "end"}` as in `ReviewItem.pii`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="decisions")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    verdict = models.CharField(max_length=16, choices=Verdict)
    text = models.TextField(blank=True, help_text="the corrected answer")
    note = models.TextField(blank=True)
    is_second = models.BooleanField(default=False)
    token = models.UUIDField(unique=True)
    bulk = models.ForeignKey(Bulk, on_delete=models.SET_NULL, null=True, related_name="decisions")
    made_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["made_at"]

    def __str__(self) -> str:
        return f"{self.verdict} of {self.item_id}"


class Redaction(models.Model):
    """Words of a conversation that only its owner is to see.

    It outlives the item it came from, since the person may take their feedback back. An undone
    one stays too: `changed_at` of all of them says when the conversation last looked different.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="redactions"
    )
    decision = models.ForeignKey(
        Decision, on_delete=models.SET_NULL, null=True, related_name="redactions"
    )
    words = models.TextField()
    is_undone = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"redaction in {self.conversation_id}"


class Contradiction(models.Model):
    """Somebody else said the opposite of a similar answer. Each pair has two rows."""

    item = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="opposed")
    other = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="+")
    closeness = models.FloatField(help_text="cosine of the two meanings")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "other"], name="contradicts_once")
        ]

    def __str__(self) -> str:
        return f"{self.item_id} against {self.other_id}"


class AuditEntry(models.Model):
    """What a reviewer did to an item. Rows are only ever added; the database refuses the rest.

    It holds ids, states and counts, nobody's words, so that it can outlive what it is about.
    """

    at = models.DateTimeField(auto_now_add=True)
    item = models.UUIDField(db_index=True)
    feedback = models.UUIDField()
    by = models.BigIntegerField()
    by_name = models.CharField(max_length=150)
    act = models.CharField(max_length=16)
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.by_name} {self.act} {self.item}"
