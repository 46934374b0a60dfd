"""What administrators look back at: figures over time, what was done by hand, and backups."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Measurement(models.Model):
    """Figures of the whole installation at a moment; see `operations.series`. Kept for a week."""

    at = models.DateTimeField(unique=True)
    figures = models.JSONField(help_text="finite numbers by name")

    class Meta:
        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class Act(models.Model):
    """Something that was done by hand: by an administrator, or by anybody to the ways into an
    account. Rows are only ever added."""

    class Kind(models.TextChoices):
        PAUSE = "pause", "paused learning"
        RESUME = "resume", "let learning go on"
        UNLOAD = "unload", "unloaded an adapter"
        STOP = "stop", "stopped an answer"
        LOOK = "look", "looked at a row with somebody's words"
        ROLE = "role", "gave a role to"
        CLOSE = "close", "closed the account of"
        REOPEN = "reopen", "opened again the account of"
        JOIN = "join", "made an account"
        PASSWORD = "password", "chose a new password"
        RESET_LINK = "reset_link", "made a link to a new password for"
        EMAIL = "email", "changed the e-mail address"
        FACTOR_ON = "factor_on", "turned the second factor on"
        FACTOR_OFF = "factor_off", "turned the second factor off of"
        RECOVERY = "recovery", "made new recovery codes"
        KEY = "key", "made an API key"
        KEY_REVOKED = "key_revoked", "revoked an API key"
        LINK = "link", "linked a sign-in elsewhere"
        UNLINK = "unlink", "unlinked a sign-in elsewhere"
        INVITE = "invite", "invited"
        UNINVITE = "uninvite", "took back an invitation"
        SIGNUP = "signup", "set who may make an account"
        TOOLS_ADDED = "tools_added", "added the tool server"
        TOOLS_CHANGED = "tools_changed", "changed the tool server"
        TOOLS_REMOVED = "tools_removed", "removed the tool server"

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    name = models.CharField(max_length=150, help_text="stays when the account goes")
    kind = models.CharField(max_length=16, choices=Kind)
    subject = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.get_kind_display()} {self.subject}".strip()


class Backup(models.Model):
    """A backup that was made. The file itself may lie anywhere by now."""

    file = models.CharField(max_length=500)
    bytes = models.PositiveBigIntegerField()
    rows = models.PositiveBigIntegerField()
    seconds = models.FloatField()
    at = models.DateTimeField(help_text="the moment whose state it holds")

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.file} of {self.at:%Y-%m-%d %H:%M}"
