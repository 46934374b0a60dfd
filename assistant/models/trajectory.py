"""What the policy saw and sampled, token by token, and its place in the researchers' feed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from assistant.models.generation import Generation


class Trajectory(models.Model):
    """The immutable record of one generation.

    `logprobs` has one natural logarithm per sampled token, under the distribution really sampled
    from. Times are in milliseconds since the person asked.
    """

    generation = models.OneToOneField(
        Generation, on_delete=models.CASCADE, primary_key=True, related_name="trajectory"
    )
    prompt_token_ids = ArrayField(models.IntegerField())
    sampled_token_ids = ArrayField(models.IntegerField())
    logprobs = ArrayField(models.FloatField())
    sampling = models.JSONField()
    policy = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, blank=True)
    base_model = models.CharField(max_length=200)
    finish_reason = models.CharField(max_length=16)
    queued_ms = models.FloatField(help_text="asked → a worker took it")
    first_token_ms = models.FloatField(null=True, help_text="asked → first token")
    total_ms = models.FloatField(help_text="asked → finished")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.pk)


class Release(models.Model):
    """A trajectory's place in the researchers' feed.

    Places are given under a lock by trajectories.feed, to rows that are already committed, so a
    reader that goes on from a place never skips a row that became visible late. When the feedback
    on a trajectory changes, it moves to a new place with the next revision.
    """

    position = models.BigAutoField(primary_key=True)
    trajectory = models.OneToOneField(Trajectory, on_delete=models.CASCADE, related_name="release")
    revision = models.PositiveIntegerField(default=1)
    feedback = ArrayField(models.UUIDField(), default=list, help_text="what was said of it then")

    def __str__(self) -> str:
        return f"{self.trajectory_id} at {self.position}"
