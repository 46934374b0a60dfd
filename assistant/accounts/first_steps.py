"""The first administrator's first steps: a name and a password of one's own."""

from __future__ import annotations

import logging

from django.db import IntegrityError, transaction

from assistant.accounts import passwords, people, signup
from assistant.errors import NameTaken, NotAllowed
from assistant.models import SignUp, User

logger = logging.getLogger(__name__)


@transaction.atomic
def take(person: User, *, name: str, password: str, mode: SignUp | None, this: str | None) -> User:
    """Make the account that the installation made for itself a person's own.

    Raises:
        NotAllowed: it is a person's own already.
        NameInvalid, NameTaken, PasswordWeak, SettingFixed
    """
    if not person.must_set_up:
        raise NotAllowed("This account has been set up already.")
    people.check_name(name)
    person.username = name
    try:
        with transaction.atomic():
            person.save(update_fields=["username"])
    except IntegrityError:
        raise NameTaken(f"There is already an account named {name!r}.") from None
    if mode is not None:
        signup.choose(person, mode)
    logger.info("person %s has set the installation up", person.pk)
    return passwords.change(person, password, this=this)
