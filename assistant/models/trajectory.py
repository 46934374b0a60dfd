"""What the policy saw and sampled, its place in the researchers' feed, and who took it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from assistant.models.generation import Generation

NOT_FINITE = ["Infinity", "-Infinity", "NaN"]


class Trajectory(models.Model):
    """The immutable record of one generation.

    `messages` is the dialogue that the policy saw, as `ChatMessage.to_json` writes it; pictures
    are in it by their ids and digests. `logprobs` has one natural logarithm per sampled token,
    under the distribution really sampled from, and finite. Times are in milliseconds since the
    person asked.

    An answer that called tools was made in steps, each sampled from a prompt of its own. The
    columns are those of the last step; `earlier` are those before it, as `Step.to_json` writes
    them. What tools said is only ever part of a prompt. `spans` says what the sampled tokens are,
    as `[kind, first, end]`: reasoning, text, or other (marks and calls).
    """

    generation = models.OneToOneField(
        Generation, on_delete=models.CASCADE, primary_key=True, related_name="trajectory"
    )
    messages = models.JSONField(default=list)
    prompt_token_ids = ArrayField(models.IntegerField())
    sampled_token_ids = ArrayField(models.IntegerField())
    logprobs = ArrayField(models.FloatField())
    spans = models.JSONField(default=list, db_default=[])
    earlier = models.JSONField(default=list, db_default=[])
    asked = models.JSONField(
        default=dict,
        db_default={},
        help_text="tools, template: of a chat; empty where ids were sent",
    )
    sampling = models.JSONField()
    policy = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, blank=True)
    base_model = models.CharField(max_length=200)
    finish_reason = models.CharField(max_length=16)
    queued_ms = models.FloatField(help_text="asked → a worker took it")
    first_token_ms = models.FloatField(null=True, help_text="asked → first token")
    total_ms = models.FloatField(help_text="asked → finished")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            # The export hands these on as they are, and JSON has no infinity.
            models.CheckConstraint(
                condition=~models.Q(logprobs__overlap=NOT_FINITE), name="logprobs_are_finite"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Release(models.Model):
    """A trajectory's place in the researchers' feed.

    Places are given under a lock by trajectories.feed, to rows that are already committed, so a
    reader that goes on from a place never skips a row that became visible late. When something
    about a trajectory changes, it moves to a new place with the next revision. When it may not be
    seen any more it becomes a tombstone, which holds nothing but its id; the row therefore outlives
    the trajectory.
    """

    position = models.BigAutoField(primary_key=True)
    trajectory = models.OneToOneField(
        Trajectory, on_delete=models.DO_NOTHING, db_constraint=False, related_name="release"
    )
    revision = models.PositiveIntegerField(default=1)
    is_tombstone = models.BooleanField(default=False)
    state = models.CharField(max_length=32, help_text="digest of what may change; empty: buried")
    redactions = models.CharField(
        max_length=32, blank=True, help_text="digest of what reviewers took out; empty: nothing"
    )

    def __str__(self) -> str:
        return f"{self.trajectory_id} at {self.position}"


class Pull(models.Model):
    """One time that somebody took trajectories out, or looked at them. Rows are only ever added.

    `rows` and `last` are written page by page, so they hold even where the process is killed;
    `ended_at` is null while it runs, or for good in that case.
    """

    class How(models.TextChoices):
        PULL = "pull"
        SEARCH = "search"
        LOOK = "look"
        SNAPSHOT = "snapshot"
        DOWNLOAD = "download"

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    name = models.CharField(max_length=150, help_text="the person's, then")
    how = models.CharField(max_length=16, choices=How)
    format = models.CharField(max_length=16, blank=True)
    filter = models.JSONField(default=dict)
    rows = models.PositiveIntegerField(default=0)
    first = models.CharField(max_length=40, blank=True, help_text="cursor it began after")
    last = models.CharField(max_length=40, blank=True, help_text="cursor of the last row")
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    is_whole = models.BooleanField(default=False, help_text="false: running, or broken off")

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name}: {self.rows} rows by {self.how}"


class Snapshot(models.Model):
    """Parquet files of everything that a filter finds, made once and kept for a while.

    One that holds rows withdrawn since is refused, and its files are deleted.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        BUILDING = "building"
        READY = "ready"
        FAILED = "failed"
        WITHDRAWN = "withdrawn", "it holds rows that were withdrawn since"
        EXPIRED = "expired"

    OPEN = (State.QUEUED, State.BUILDING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="snapshots"
    )
    format = models.CharField(max_length=16)
    filter = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    reason = models.TextField(blank=True, help_text="why it failed, for a person to read")
    head = models.BigIntegerField(default=0, help_text="the feed's last place when it was begun")
    looked_at = models.PositiveIntegerField(default=0, help_text="trajectories read so far")
    of = models.PositiveIntegerField(default=0, help_text="trajectories to read")
    manifest = models.JSONField(default=dict)
    address = models.CharField(max_length=500, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"snapshot {self.pk} ({self.state})"


class SnapshotRow(models.Model):
    """Which trajectories a snapshot holds, and what had been redacted of them then."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="rows")
    trajectory = models.UUIDField()
    redactions = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["snapshot", "trajectory"], name="once_per_snapshot")
        ]

    def __str__(self) -> str:
        return f"{self.trajectory} in {self.snapshot_id}"
