"""Invitations: links that let one person each make an account, in whatever mode sign-up is.

They hold for as long as whoever made them is an administrator: nobody leaves a door open behind.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assistant.accounts import acts, tokens
from assistant.errors import InvitationInvalid, NotFound
from assistant.models import Act, Invitation, Role, User

logger = logging.getLogger(__name__)


@transaction.atomic
def make(by: User, *, role: str, note: str, days: int) -> tuple[Invitation, str]:
    """The invitation and its token, which can't be read again."""
    token = tokens.new()
    invitation = Invitation.objects.create(
        digest=tokens.digest_of(token),
        role=role,
        note=note,
        made_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    acts.note(by, Act.Kind.INVITE, f"{role}, #{invitation.pk}")
    logger.info("person %s invited a %s (invitation %s)", by.pk, role, invitation.pk)
    return invitation, token


def listed() -> list[Invitation]:
    """Those that can still be used, and those that were; newest first."""
    is_open = Q(revoked_at=None, expires_at__gt=timezone.now()) & Q(
        made_by__role=Role.ADMIN, made_by__is_active=True
    )
    is_shown = Q(used_at__isnull=False) | is_open
    return list(Invitation.objects.filter(is_shown).select_related("used_by", "made_by")[:200])


@transaction.atomic
def revoke(by: User, pk: int) -> None:
    """Raises NotFound: there is no such invitation, or it is used or revoked already."""
    unused = Invitation.objects.filter(pk=pk, used_at=None, revoked_at=None)
    if not unused.update(revoked_at=timezone.now()):
        raise NotFound("There is no such invitation, or it was used or revoked already.")
    acts.note(by, Act.Kind.UNINVITE, f"#{pk}")
    logger.info("person %s revoked invitation %s", by.pk, pk)


def open_with(token: str) -> Invitation:
    """What a token invites to.

    Raises:
        InvitationInvalid: with the reason.
    """
    rows = Invitation.objects.select_related("made_by")
    found = rows.filter(digest=tokens.digest_of(token)).first()
    if found is None:
        raise InvitationInvalid("This invitation does not exist. Check the link.")
    if found.used_at:
        raise InvitationInvalid("This invitation was used already. Ask for another one.")
    if found.revoked_at or found.made_by is None or not found.made_by.administers:
        raise InvitationInvalid("This invitation was taken back. Ask for another one.")
    if found.expires_at <= timezone.now():
        raise InvitationInvalid("This invitation has expired. Ask for another one.")
    return found


def claim(token: str) -> Invitation:
    """Use it up, in the transaction that makes the account: of two at once, one gets it.

    Raises:
        InvitationInvalid
    """
    found = open_with(token)
    now = timezone.now()
    unused = Invitation.objects.filter(
        pk=found.pk, used_at=None, revoked_at=None, expires_at__gt=now
    )
    if not unused.update(used_at=now):
        raise InvitationInvalid("This invitation was used already. Ask for another one.")
    return found


def note_use(invitation: Invitation, person: User) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(used_by=person)
