"""Accounts: making one, coming in, and the two switches of consent."""

from __future__ import annotations

import unicodedata

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.errors import NameInvalid, NameTaken, PasswordWeak, SignInFailed
from assistant.models import Role, User
from assistant.review import items
from learning import intake, queue, scopes

NAME_LENGTH = 150


def create(
    name: str,
    password: str | None,
    *,
    role: str = Role.MEMBER,
    must_set_up: bool = False,
    training: bool | None = None,
    research: bool | None = None,
) -> User:
    """Make an account; consent is None where the person has not been asked yet.

    Without a password it can only be entered through OpenID Connect, or by a reset link.

    Raises:
        NameInvalid, NameTaken, PasswordWeak
    """
    name = unicodedata.normalize("NFKC", name)
    check_name(name)
    person = User(
        username=name,
        role=Role(role),
        must_set_up=must_set_up,
        training_consent=training,
        research_consent=research,
        consent_changed_at=timezone.now() if (training, research) != (None, None) else None,
    )
    if password is not None:
        check_password(password, person)
    person.set_password(password)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError:
        raise NameTaken(f"There is already an account named {name!r}.") from None
    return person


def check_name(name: str) -> None:
    """Raises NameInvalid."""
    try:
        User.username_validator(name)
    except ValidationError as error:
        raise NameInvalid(" ".join(error.messages)) from None
    if len(name) > NAME_LENGTH:
        raise NameInvalid(f"A name has at most {NAME_LENGTH} characters.")


def check_password(password: str, person: User) -> None:
    """Raises PasswordWeak."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise PasswordWeak(" ".join(error.messages)) from None


def recognise(name: str, password: str) -> User:
    """The person of that name and password.

    Raises:
        SignInFailed: either is wrong, or the account is closed.
    """
    person = authenticate(username=name, password=password)
    if not isinstance(person, User):
        raise SignInFailed("The name or the password is wrong.")
    return person


@transaction.atomic
def change_consent(person: User, *, training: bool | None, research: bool | None) -> User:
    """Set the switches that are given; None leaves a switch as it is.

    Switching training off deletes, in this transaction, every copy of the person's answers and
    judgements that learning holds, with what was derived from them, an adapter of their own
    included; the reward model is built anew without them, and no later update sees them. Versions
    for everybody that were trained before keep what they learned: weights can't be unlearned one
    person at a time, only replaced by going back to an older version or training anew. Switching
    it on again starts from nothing.
    """
    # Whoever hands something over locks this row first, so nothing slips in behind the deletion.
    person = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    is_withdrawn = person.trains and training is False
    person.training_consent = person.training_consent if training is None else training
    person.research_consent = person.research_consent if research is None else research
    person.consent_changed_at = timezone.now()
    person.save(update_fields=["training_consent", "research_consent", "consent_changed_at"])
    if is_withdrawn:
        # The ledger, which intake writes to, comes last: its lock lasts until the commit.
        scopes.forget_person(person.pk)
        intake.forget_person(person.pk)
        items.forget_person(person)
        transaction.on_commit(queue.ask_catch_up, robust=True)
    return person
