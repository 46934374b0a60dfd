"""Ways in: who may make an account, invitations, and links to a new password."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from assistant.models.account import Role, User


class SignUp(models.TextChoices):
    """Who may make an account."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


class Installation(models.Model):
    """What administrators chose for everybody, where the environment leaves it to them. One row."""

    signup = models.CharField(max_length=16, choices=SignUp, default=SignUp.CLOSED)

    def __str__(self) -> str:
        return f"sign-up {self.signup}"


class Invitation(models.Model):
    """A link that lets one person make an account. Only the SHA-256 of its token is stored."""

    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)
    note = models.CharField(max_length=200, blank=True, help_text="for whom it is")
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.role}, until {self.expires_at:%Y-%m-%d}"


class ResetLink(models.Model):
    """A link that lets a person choose a new password, once. Only its SHA-256 is stored."""

    digest = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="an administrator; null where it was sent by e-mail",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.person}, until {self.expires_at:%Y-%m-%d %H:%M}"
