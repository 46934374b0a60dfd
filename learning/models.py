"""What learning knows: answers, judgements, reward-model versions, updates, trials, lessons of
memory, the ledger.

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

    `features` is null until the reward worker has seen the answer. `chat` is what stood behind the
    prompt's tokens where it had pictures or tools: `messages` as `ChatMessage.to_json`, `tools`,
    `template`, and by digest the address and media type of each of its `pictures`.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="the message's id")
    person = models.BigIntegerField(db_index=True)
    prompt_token_ids = ArrayField(models.IntegerField())
    response_token_ids = ArrayField(models.IntegerField())
    logprobs = ArrayField(models.FloatField())
    temperature = models.FloatField()
    top_p = models.FloatField()
    policy = models.CharField(max_length=80)
    chat = models.JSONField(null=True)
    features = VectorField(dimensions=FEATURE_DIMENSIONS, null=True)
    is_dictated = models.BooleanField(
        default=False, help_text="the prompt said what to answer; never in the global head"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)


class Participant(models.Model):
    """Someone who has judged. Every tenth to come is held out: judged against, never learned from.

    `left_out_at` is set when a reviewer has the reward model forget what they said.
    """

    person = models.BigIntegerField(primary_key=True)
    number = models.PositiveIntegerField(unique=True, help_text="in the order of first judgements")
    is_held_out = models.BooleanField(default=False)
    left_out_at = models.DateTimeField(null=True)
    left_out_by = models.CharField(max_length=150, blank=True)
    left_out_because = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"participant {self.number}"


class Judgement(models.Model):
    """One piece of feedback (`contracts.Judgement`), in the order in which it arrived.

    `version` is the reward-model version that first contained it; null while it waits. `use`,
    `weight`, `predicted` and `influence` are written when it is taken in.
    """

    class Use(models.TextChoices):
        """What became of it. Held out means judged against, never learned from."""

        WAITING = "waiting"
        LEARNED = "learned"
        HELD_OUT = "held_out"
        DICTATED = "dictated"
        LEFT_OUT = "left_out"
        SILENT = "silent"

    feedback = models.UUIDField(unique=True)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="judgements")
    over = models.ForeignKey(Answer, on_delete=models.CASCADE, null=True, related_name="rejections")
    person = models.BigIntegerField(db_index=True)
    kind = models.CharField(max_length=16)
    text = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list)
    text_features = VectorField(dimensions=FEATURE_DIMENSIONS, null=True)
    use = models.CharField(max_length=16, choices=Use, default=Use.WAITING)
    weight = models.FloatField(null=True, help_text="share of its kind's weight, after the caps")
    influence = models.FloatField(
        null=True, help_text="root mean square change of recent answers' log-odds"
    )
    predicted = models.FloatField(
        null=True, help_text="how probable the head thought this before it was taken in"
    )
    version = models.PositiveIntegerField(null=True)
    revoked_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(
        null=True, help_text="when a reviewer had the reward model forget this one"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} on {self.answer_id}"


class Experience(models.Model):
    """A judgement that a reviewer found worth learning from: a reviewed, trainable example.

    `text` is the answer that the reviewer wrote; empty where the judgement was accepted as it is.
    The judgement keeps the person's own words, and the reward model listens to those alone.
    """

    judgement = models.OneToOneField(Judgement, on_delete=models.CASCADE, related_name="experience")
    text = models.TextField(blank=True)
    reviewers = models.PositiveSmallIntegerField(default=1, help_text="who agreed that it is one")
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"experience of {self.judgement_id}"


class RewardVersion(models.Model):
    """The reward head after `number` changes.

    Only the newest row keeps the head itself; the log of judgements, replayed in the order of
    `Judgement.version`, gives any other bit for bit. Where even the newest has none, something
    was taken out of the log, and the reward worker builds the head anew.
    """

    class Cause(models.TextChoices):
        JUDGEMENT = "judgement"
        REBUILT = "rebuilt", "something was taken out of the log, and it was replayed"
        REFIT = "refit", "fitted to the whole log at once"

    number = models.PositiveIntegerField(primary_key=True)
    cause = models.CharField(max_length=16, choices=Cause, default=Cause.JUDGEMENT)
    prior_sd = models.FloatField(null=True, help_text="chosen by a refit; null: the default")
    head = models.BinaryField(null=True, help_text="its parameters, see learning.reward.model")
    judgement = models.ForeignKey(
        Judgement, on_delete=models.SET_NULL, null=True, help_text="null: built anew"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"reward version {self.number}"


class RewardMetrics(models.Model):
    """How good the head was at some version: a point of the time series that people look at.

    Prequential figures are over the newest judgements, each predicted before it was taken in;
    held-out figures over those that are never learned from. Null: too few to say.
    """

    version = models.PositiveIntegerField()
    events = models.PositiveIntegerField(help_text="judgements taken in")
    people = models.PositiveIntegerField()
    auc = models.FloatField(null=True)
    log_loss = models.FloatField(null=True, help_text="nats per judgement")
    calibration = models.FloatField(null=True, help_text="expected calibration error")
    held_out_auc = models.FloatField(null=True)
    held_out_events = models.PositiveIntegerField(default=0)
    length_correlation = models.FloatField(null=True, help_text="of score and log length")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"metrics of reward version {self.version}"


class PersonEffect(models.Model):
    """What a person likes beyond what everybody likes: weights on top of the global head."""

    person = models.BigIntegerField(primary_key=True)
    head = models.BinaryField(help_text="see learning.reward.personal")
    judgements = models.PositiveIntegerField()
    version = models.PositiveIntegerField(help_text="the reward version that it sits on")

    def __str__(self) -> str:
        return f"effect of {self.judgements} judgements"


class Alarm(models.Model):
    """Something a reviewer has to look at. One that freezes training does so until it is closed."""

    class Kind(models.TextChoices):
        DRIFT = "drift"
        ROLLBACK = "rollback"
        PAUSE = "pause", "an administrator paused learning"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    sentence = models.TextField(help_text="what happened, for a person to read")
    figures = models.JSONField(default=dict)
    freezes_training = models.BooleanField(default=False)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-opened_at"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


class Update(models.Model):
    """One training run, from the asking to the verdict. `person`: whose own adapter it makes."""

    class State(models.TextChoices):
        """`canary`: passed its gates, and serves a share of people (see `Trial`)."""

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
    algorithm = models.CharField(max_length=16, default="rloo", help_text="config.Algorithm")
    person = models.BigIntegerField(null=True)
    saved_step = models.PositiveSmallIntegerField(
        default=0, help_text="steps behind its last saved state, from which it can go on"
    )
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


class Trial(models.Model):
    """A canary: a policy that passed its gates, served to a growing share of people."""

    class State(models.TextChoices):
        RUNNING = "running"
        PROMOTED = "promoted"
        ROLLED_BACK = "rolled_back"
        STOPPED = "stopped", "the live policy was changed by hand meanwhile"

    update = models.OneToOneField(Update, on_delete=models.CASCADE, related_name="trial")
    policy = models.CharField(max_length=80)
    against = models.CharField(max_length=80, help_text="the live policy when it began")
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    share = models.PositiveSmallIntegerField(help_text="per cent of people")
    reason = models.TextField(blank=True)
    figures = models.JSONField(default=dict)
    started_at = models.DateTimeField(auto_now_add=True)
    share_since = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(state="running"),
                name="one_trial_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"trial of {self.policy} ({self.state})"


class Exposure(models.Model):
    """An answer given while a trial ran, by the new policy or by the one it is compared with.

    Holds no text. `is_down` is null until a consenting person has thumbed it.
    """

    answer = models.UUIDField(primary_key=True)
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="exposures")
    person = models.BigIntegerField()
    is_new = models.BooleanField(help_text="by the policy on trial")
    has_failed = models.BooleanField()
    first_token_ms = models.FloatField(null=True)
    token_ms = models.FloatField(null=True, help_text="per token after the first")
    is_down = models.BooleanField(null=True)
    judged_at = models.DateTimeField(null=True, help_text="of the first thumb; later ones keep it")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)


class MemoryLesson(models.Model):
    """That something should have been kept in a conversation's memory (`contracts.Wish`).

    `said` has the texts until the reward worker has described them, then it is null, and
    `features` has numbers: float32, a row a sentence, first those of the `wanted` ones.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="the signal's")
    person = models.BigIntegerField(db_index=True)
    sources = ArrayField(models.UUIDField(), help_text="the messages that it comes from")
    said = models.JSONField(null=True)
    features = models.BinaryField(null=True)
    wanted = models.PositiveSmallIntegerField(default=0, help_text="rows of features")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)


class MemoryVersion(models.Model):
    """A probe that was learned from use. One is live, or none: then the shipped one reads.

    `around` names the probe that it started from; where another one is there by now, it is not
    used. `lessons` are those that it was learned from.
    """

    class State(models.TextChoices):
        LIVE = "live"
        REFUSED = "refused", "by a gate"
        RETIRED = "retired", "a later one took its place"
        WITHDRAWN = "withdrawn", "something it learned from was taken back; to be made anew"
        SHIPPED = "shipped", "somebody went back to the shipped one"

    number = models.PositiveIntegerField(primary_key=True)
    state = models.CharField(max_length=16, choices=State)
    reason = models.TextField(help_text="why, for a person to read")
    around = models.CharField(max_length=64, blank=True)
    lessons = ArrayField(models.UUIDField(), default=list)
    weights = models.BinaryField(null=True, help_text="float32; null: not kept")
    bias = models.FloatField(default=0.0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(state="live"), name="one_live_memory_version"
            )
        ]

    def __str__(self) -> str:
        return f"memory version {self.number} ({self.state})"


class LedgerEntry(models.Model):
    """One link of the hash chain; see `learning.ledger`. Rows are only ever added."""

    seq = models.PositiveBigIntegerField(primary_key=True)
    kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=80, db_index=True, help_text="a policy or a feedback id")
    body = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.subject}"
