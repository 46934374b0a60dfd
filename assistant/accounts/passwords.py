"""Passwords: changing one's own, and links to a new one for those who forgot it."""

from __future__ import annotations

import logging
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from assistant.accounts import acts, attempts, people, sessions, tokens
from assistant.accounts.attempts import Limit
from assistant.errors import NotFound, PasswordWrong, ResetLinkInvalid
from assistant.models import Act, ResetLink, User

logger = logging.getLogger(__name__)
LINK_HOURS = 24
MAIL_HOURS = 1
# Confirmations by whoever sits at a browser that somebody left signed in.
CONFIRMATIONS = Limit("confirmations", amount=10, per_s=600)
REQUESTS = Limit("reset-requests", amount=30, per_s=600)
MAILS = Limit("reset-mails", amount=3, per_s=3600)


def confirm(person: User, password: str) -> None:
    """That it is the person who asks for something grave, and not whoever found the browser.

    Who only ever came in through OpenID Connect has no password to be asked for.

    Raises:
        PasswordWrong, RateExceeded
    """
    if not person.has_usable_password():
        return
    attempts.spend(CONFIRMATIONS, str(person.pk))
    if not person.check_password(password):
        raise PasswordWrong("The password is wrong.")
    attempts.forgive(CONFIRMATIONS, str(person.pk))


def change(person: User, new: str, *, this: str | None) -> User:
    """Ends every other session; the caller keeps `this` one valid.

    Raises:
        PasswordWeak
    """
    people.check_password(new, person)
    with transaction.atomic():
        person.set_password(new)
        person.must_set_up = False
        person.save(update_fields=["password", "must_set_up"])
        sessions.end_others(person, this)
        acts.note(person, Act.Kind.PASSWORD)
    logger.info("person %s has a new password", person.pk)
    return person


def make_link(person: User, *, by: User | None, hours: int = LINK_HOURS) -> tuple[ResetLink, str]:
    """A link's row and its token. Links from before stop working."""
    token = tokens.new()
    now = timezone.now()
    with transaction.atomic():
        ResetLink.objects.filter(person=person, used_at=None).update(expires_at=now)
        link = ResetLink.objects.create(
            digest=tokens.digest_of(token),
            person=person,
            made_by=by,
            expires_at=now + timedelta(hours=hours),
        )
        if by is not None:
            acts.note(by, Act.Kind.RESET_LINK, person.username)
    logger.info("a reset link for person %s was made by %s", person.pk, by.pk if by else "mail")
    return link, token


def redeem(token: str, new: str) -> User:
    """Set the password that the holder of a link chose, and sign the person out everywhere.

    A weak password does not use the link up.

    Raises:
        ResetLinkInvalid, PasswordWeak
    """
    now = timezone.now()
    link = _link_of(token)
    if link is None or link.expires_at <= now or link.used_at or not link.person.is_active:
        raise ResetLinkInvalid("This link was used already or has expired. Ask for another one.")
    people.check_password(new, link.person)
    with transaction.atomic():
        if not ResetLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now):
            raise ResetLinkInvalid("This link was used already. Ask for another one.")
        return change(link.person, new, this=None)


def _link_of(token: str) -> ResetLink | None:
    """Not one of somebody who was an administrator when they made it and is none now."""
    rows = ResetLink.objects.select_related("person", "made_by")
    link = rows.filter(digest=tokens.digest_of(token)).first()
    if link is not None and link.made_by is not None and not link.made_by.administers:
        return None
    return link


def person_to_mail(named: str) -> tuple[User, str]:
    """Whom a reset link is sent to, and where: by name or by address, if it was confirmed.

    Raises:
        NotFound: nobody; whoever asked must not be told.
    """
    addresses = EmailAddress.objects.filter(verified=True, user__is_active=True)
    by_address = addresses.filter(email__iexact=named).first()
    found = by_address or addresses.filter(user__username=named).first()
    if found is None:
        raise NotFound("There is no confirmed address.")
    return found.user, found.email
