"""What learning knows: answers it may learn from, judgements, reward-model versions, updates.

These rows are copies handed over by `learning.intake`; learning never reads the website's tables.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from pgvector.django import VectorField

from learning.config import FEATURE_DIMENSIONS


class Answer(models.Model):
    """A served answer of a consenting person (`contracts.ServedAnswer`) and its features.

    `features` is null until the reward worker has seen the answer.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="the message's id")
    person = models.BigIntegerField(db_index=True)
    prompt_token_ids = ArrayField(models.IntegerField())
    response_token_ids = ArrayField(models.IntegerField())
    logprobs = ArrayField(models.FloatField())
    temperature = models.FloatField()
    top_p = models.FloatField()
    policy = models.CharField(max_length=80)
    features = VectorField(dimensions=FEATURE_DIMENSIONS, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)


class Judgement(models.Model):
    """One piece of feedback (`contracts.Judgement`), in the order in which it arrived.

    `version` is the reward-model version that first contained it; null while it waits.
    """

    feedback = models.UUIDField(unique=True)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="judgements")
    over = models.ForeignKey(Answer, on_delete=models.CASCADE, null=True, related_name="rejections")
    person = models.BigIntegerField(db_index=True)
    kind = models.CharField(max_length=16)
    text = models.TextField(blank=True)
    text_features = VectorField(dimensions=FEATURE_DIMENSIONS, null=True)
    predicted = models.FloatField(
        null=True, help_text="how probable the head thought this before it was taken in"
    )
    version = models.PositiveIntegerField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} on {self.answer_id}"


class RewardVersion(models.Model):
    """The reward head after `number` changes.

    Only the newest row keeps the head itself; the log of judgements, replayed in the order of
    `Judgement.version`, gives any other bit for bit. Where even the newest has none, something
    was taken out of the log, and the reward worker builds the head anew.
    """

    number = models.PositiveIntegerField(primary_key=True)
    head = models.BinaryField(null=True, help_text="its parameters, see learning.reward.model")
    judgement = models.ForeignKey(
        Judgement, on_delete=models.SET_NULL, null=True, help_text="null: built anew"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"reward version {self.number}"


class Update(models.Model):
    """One training run, from the asking to the verdict."""

    class State(models.TextChoices):
        """`canary`: passed its gates, and waits for a person (or the canary) to make it live."""

        QUEUED = "queued"
        TRAINING = "training"
        GATING = "gating"
        CANARY = "canary"
        LIVE = "live"
        REJECTED = "rejected"
        FAILED = "failed"

    RUNNING = (State.QUEUED, State.TRAINING, State.GATING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    reason = models.TextField(blank=True, help_text="why it ended so, for a person to read")
    requested_by = models.CharField(max_length=150)
    canary = models.BooleanField(default=False)
    policy = models.CharField(max_length=80, blank=True, help_text="the version it made")
    parent = models.CharField(max_length=80, blank=True, help_text="the version it started from")
    reward_version = models.PositiveIntegerField(null=True)
    metrics = models.JSONField(default=list, help_text="one object per step")
    gates = models.JSONField(default=list, help_text="name, passed, sentence, figures of each")
    attempts = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(state__in=["queued", "training", "gating"]),
                name="one_update_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"update {self.pk} ({self.state})"


class UpdateJudgement(models.Model):
    """Which judgements an update learned from."""

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="used")
    judgement = models.ForeignKey(Judgement, on_delete=models.CASCADE, related_name="used_in")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["update", "judgement"], name="used_once_per_update")
        ]

    def __str__(self) -> str:
        return f"{self.judgement_id} in {self.update_id}"
