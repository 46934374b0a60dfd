"""What administrators do with other people's accounts."""

from __future__ import annotations

import logging
from typing import Literal

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from assistant.accounts import acts, factors, passwords, sessions
from assistant.errors import LastAdministrator, NotFound
from assistant.models import Act, ResetLink, Role, User

logger = logging.getLogger(__name__)


def found(search: str) -> QuerySet[User]:
    """People whose name or address contains `search`, by name; `has_factor` is told of each."""
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    people = User.objects.order_by("username").annotate(has_factor=Exists(factor))
    if not search:
        return people
    addresses = EmailAddress.objects.filter(email__icontains=search).values("user")
    return people.filter(Q(username__icontains=search) | Q(pk__in=addresses))


@transaction.atomic
def change(
    by: User,
    pk: int,
    *,
    role: str | None = None,
    is_active: bool | None = None,
    has_factor: Literal[False] | None = None,
) -> User:
    """Give a role, close or reopen an account, drop its second factor; None changes nothing.

    A closed account keeps all that is in it, but neither its sessions nor its keys open anything.

    Raises:
        NotFound
        LastAdministrator: nobody would be left who can undo it.
        SecondFactorOff: there is none to drop.
    """
    # All at once and in one order: two administrators can't take the role from each other.
    administrators = set(
        User.objects.select_for_update()
        .filter(role=Role.ADMIN, is_active=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    person = person_of(pk)
    is_lost = is_active is False or role not in {None, Role.ADMIN}
    if is_lost and administrators == {person.pk}:
        raise LastAdministrator("This is the only administrator. Make another one first.")
    _note(by, person, role, is_active)
    person.role = person.role if role is None else role
    person.is_active = person.is_active if is_active is None else is_active
    person.save(update_fields=["role", "is_active"])
    if has_factor is False:
        factors.turn_off(person, by=by)
    if is_active is False:
        sessions.end_others(person, None)
    logger.info(
        "person %s set person %s: role %s, active %s", by.pk, pk, person.role, person.is_active
    )
    return found("").get(pk=pk)


def _note(by: User, person: User, role: str | None, is_active: bool | None) -> None:
    """What is to be changed of a person who is as before."""
    if role not in {None, person.role}:
        acts.note(by, Act.Kind.ROLE, f"{person.username}: {person.role} → {role}")
    if is_active not in {None, person.is_active}:
        acts.note(by, Act.Kind.REOPEN if is_active else Act.Kind.CLOSE, person.username)


def make_reset_link(by: User, pk: int) -> tuple[ResetLink, str]:
    """Raises NotFound."""
    return passwords.make_link(person_of(pk), by=by)


def person_of(pk: int) -> User:
    person = User.objects.filter(pk=pk).first()
    if person is None:
        raise NotFound("There is no such person.")
    return person
