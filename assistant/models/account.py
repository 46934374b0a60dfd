"""People, their roles and consent, their API keys, and the browsers that they are signed in at."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Role(models.TextChoices):
    MEMBER = "member"
    REVIEWER = "reviewer"
    RESEARCHER = "researcher"
    ADMIN = "admin"


class Scope(models.TextChoices):
    """What an API key may do."""

    CHAT = "chat"
    FEEDBACK = "feedback"
    REVIEW = "review"
    RESEARCH = "research"
    LEARNING = "learning"


SCOPES_OF_ROLE: dict[str, frozenset[str]] = {
    Role.MEMBER: frozenset({Scope.CHAT, Scope.FEEDBACK}),
    Role.REVIEWER: frozenset({Scope.CHAT, Scope.FEEDBACK, Scope.REVIEW}),
    Role.RESEARCHER: frozenset({Scope.CHAT, Scope.FEEDBACK, Scope.RESEARCH, Scope.LEARNING}),
    Role.ADMIN: frozenset(Scope.values),
}


class User(AbstractUser):
    """A person. Consent is null until the person was asked; null counts as no."""

    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)
    training_consent = models.BooleanField(null=True, help_text="may my chats train the policy?")
    research_consent = models.BooleanField(null=True, help_text="may researchers pull my chats?")
    consent_changed_at = models.DateTimeField(null=True)
    uses_memory = models.BooleanField(
        default=True, db_default=True, help_text="off: windows go by recency, notes stay unread"
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="IANA name; empty: not known",
    )
    must_set_up = models.BooleanField(
        default=False, help_text="was the password made by the installation, and printed?"
    )

    @property
    def scopes(self) -> frozenset[str]:
        """All that the role may do."""
        return SCOPES_OF_ROLE[self.role]

    @property
    def administers(self) -> bool:
        return self.is_active and self.role == Role.ADMIN

    @property
    def trains(self) -> bool:
        return self.training_consent is True


class ApiKey(models.Model):
    """A key to the HTTP API. Only its SHA-256 is stored; the key itself is shown once."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="keys")
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12, help_text="what the owner recognises it by")
    name = models.CharField(max_length=100, blank=True, help_text="what its owner calls it")
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope), blank=True, default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.owner}"


class BrowserSession(models.Model):
    """A browser that somebody is signed in at: what Django's session does not tell of itself."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="browsers")
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = models.CharField(max_length=300)
    address = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(help_text="to the minute")

    class Meta:
        ordering: ClassVar = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.person} at {self.address}"
