"""Tables of the adapter registry: every policy version ever made, and which one is live."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class PolicyVersion(models.Model):
    """An immutable adapter on the base model. A name is never used twice.

    The base model itself is the row with number 0, an empty path and the state `ready`.
    """

    class State(models.TextChoices):
        STAGED = "staged", "being trained or tested; never on the live alias"
        READY = "ready", "passed its gates; may be live"
        REJECTED = "rejected", "failed a gate"
        RETIRED = "retired", "withdrawn; may not be live again"

    name = models.CharField(max_length=80, unique=True)
    number = models.PositiveIntegerField(unique=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the weights")
    path = models.CharField(
        max_length=500, blank=True, help_text="the adapter's address, see inference.storage"
    )
    base_model = models.CharField(max_length=200)
    alias = models.CharField(
        max_length=40, default="danas", help_text="what it was trained to do: answer, or remember"
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    state = models.CharField(max_length=16, choices=State, default=State.STAGED)
    person = models.BigIntegerField(
        null=True, db_index=True, help_text="whose own adapter it is; nobody else is answered by it"
    )
    manifest = models.JSONField(default=dict, help_text="hyperparameters, data range, revision")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number", "-pk"]

    def __str__(self) -> str:
        return self.name


class ServingAlias(models.Model):
    """A name that people ask for, and the version that answers under it today."""

    name = models.CharField(max_length=40, primary_key=True)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="aliases")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} → {self.policy}"


class Split(models.Model):
    """While a policy is tried out: the share of people who are answered by it."""

    alias = models.CharField(max_length=40, primary_key=True)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="splits")
    share = models.PositiveSmallIntegerField(help_text="per cent of people")

    def __str__(self) -> str:
        return f"{self.share} % of {self.alias} → {self.policy}"


class PersonalAlias(models.Model):
    """A person's own adapter, which answers them in place of the live policy."""

    person = models.BigIntegerField(primary_key=True)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    used_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.policy)


class PolicyChoice(models.Model):
    """What a person asked to be answered by: the base model, or to stay at a version.

    Without a version: by the live policy like everybody, though they may have their own adapter.
    """

    person = models.BigIntegerField(primary_key=True)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return str(self.policy or "live")


class Activation(models.Model):
    """One flip of an alias, kept for the record."""

    alias = models.CharField(max_length=40)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="activations")
    previous = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    by = models.CharField(max_length=150, help_text="a person's name, or what flipped it")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.alias} → {self.policy} at {self.at:%Y-%m-%d %H:%M:%S}"
