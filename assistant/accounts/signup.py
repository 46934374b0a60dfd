"""Who may make an account here, and making one."""

from __future__ import annotations

import logging

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, transaction
from psycopg_pool import PoolTimeout

from assistant.accounts import acts, attempts, invitations, people
from assistant.accounts.attempts import Limit
from assistant.errors import SettingFixed, SignupClosed
from assistant.models import Act, Installation, Role, SignUp, User

logger = logging.getLogger(__name__)
ROW = 1
SHOWN, SHOWN_S = "signup", 60
# A school class, or a simulation, comes from one address.
SIGN_UPS = Limit("sign-ups", amount=300, per_s=600)


def mode() -> SignUp:
    """The environment's word, else the administrators', else closed."""
    if settings.SIGNUP:
        return SignUp(settings.SIGNUP)
    row = Installation.objects.filter(pk=ROW).first()
    return SignUp(row.signup) if row else SignUp.CLOSED


def mode_to_show() -> str:
    """For the page, which is served without waiting for the database: a minute old at most."""
    try:
        return str(cache.get_or_set(SHOWN, lambda: mode().value, SHOWN_S))
    except (redis.RedisError, OperationalError, InterfaceError, PoolTimeout):
        return settings.SIGNUP or SignUp.CLOSED.value


@transaction.atomic
def choose(by: User, chosen: SignUp) -> None:
    """Raises SettingFixed where DANAS_SIGNUP decides."""
    if settings.SIGNUP:
        raise SettingFixed("DANAS_SIGNUP decides who may make an account; change it there.")
    Installation.objects.update_or_create(pk=ROW, defaults={"signup": chosen})
    acts.note(by, Act.Kind.SIGNUP, chosen)
    transaction.on_commit(lambda: cache.delete(SHOWN), robust=True)
    logger.info("person %s set sign-up to %s", by.pk, chosen)


def sign_up(
    name: str,
    password: str,
    *,
    training: bool | None,
    research: bool | None,
    invitation: str = "",
    address: str = "local",
) -> User:
    """Make an account for somebody who came here without one.

    Raises:
        SignupClosed, InvitationInvalid, RateExceeded, and what `people.create` raises
    """
    attempts.spend(SIGN_UPS, address)
    if not invitation and mode() is not SignUp.OPEN:
        raise SignupClosed(closed_sentence())
    with transaction.atomic():
        invited = invitations.claim(invitation) if invitation else None
        role = invited.role if invited else Role.MEMBER
        person = people.create(name, password, role=role, training=training, research=research)
        if invited:
            invitations.note_use(invited, person)
        acts.note(person, Act.Kind.JOIN, role)
    return person


def closed_sentence() -> str:
    if mode() is SignUp.INVITATION:
        return "You need an invitation. Ask an administrator of this Danas for one."
    return "Ask the owner of this installation for an account."
