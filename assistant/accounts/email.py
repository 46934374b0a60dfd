"""A person's address of e-mail: optional, confirmed by a link, used to send a reset link to."""

from __future__ import annotations

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import MaxLengthValidator, validate_email
from django.db import transaction

from assistant.accounts import acts, attempts, letters, passwords
from assistant.accounts.letters import Letter
from assistant.errors import EmailInvalid, NotFound, RateExceeded
from assistant.models import Act, User

LONGEST = 254
SEND_RESET = "assistant.send_reset_link"
SEND_CONFIRMATION = "assistant.send_confirmation"


def of(person: User) -> EmailAddress | None:
    found: EmailAddress | None = EmailAddress.objects.filter(user=person).first()
    return found


@transaction.atomic
def change(person: User, address: str, *, language: str = letters.ENGLISH) -> None:
    """Replace the address; an empty one removes it. A new one has to be confirmed.

    Raises:
        EmailInvalid
        RateExceeded: too many mails were asked for.
    """
    address = address.strip().lower()
    if address:
        try:
            validate_email(address)
            MaxLengthValidator(LONGEST)(address)
        except ValidationError:
            raise EmailInvalid("This is not an address of e-mail.") from None
    EmailAddress.objects.filter(user=person).delete()
    acts.note(person, Act.Kind.EMAIL)
    if not address:
        return
    attempts.spend(passwords.MAILS, "confirmation", str(person.pk))
    row = EmailAddress.objects.create(user=person, email=address, primary=True, verified=False)
    if settings.HAS_MAIL:
        transaction.on_commit(
            lambda: current_app.send_task(SEND_CONFIRMATION, [row.pk, language]), robust=True
        )


def send_confirmation(pk: int, language: str) -> None:
    """Run by a worker. An address that is gone or confirmed meanwhile needs none."""
    row = EmailAddress.objects.select_related("user").filter(pk=pk, verified=False).first()
    if row is None:
        return
    path = f"/confirm/{EmailConfirmationHMAC(row).key}"
    _send(letters.CONFIRMATION[language], row.user, path, row.email)


def confirm(key: str) -> None:
    """Raises EmailInvalid: the link is made up, too old, or its address is somebody's already."""
    confirmation = EmailConfirmationHMAC.from_key(key)
    row = confirmation.email_address if confirmation else None
    if row is None or not row.can_set_verified():
        raise EmailInvalid("This link has expired. Enter your address in Settings again.")
    EmailAddress.objects.filter(pk=row.pk).update(verified=True)


def ask_reset(named: str, *, address: str, language: str = letters.ENGLISH) -> None:
    """Have a reset link sent, if there is somebody to send it to; nothing tells whether there is.

    Raises:
        RateExceeded: from this address.
    """
    attempts.spend(passwords.REQUESTS, address)
    # Nothing longer is a name or an address, and it would lie in the queue.
    if settings.HAS_MAIL and len(named) <= LONGEST:
        current_app.send_task(SEND_RESET, [named, language])


def send_reset_link(named: str, language: str) -> None:
    """Run by a worker, so that the time it takes tells nobody anything."""
    try:
        person, address = passwords.person_to_mail(named)
        attempts.spend(passwords.MAILS, "reset", str(person.pk))
    except (NotFound, RateExceeded):
        return
    _, token = passwords.make_link(person, by=None, hours=passwords.MAIL_HOURS)
    _send(letters.NEW_PASSWORD[language], person, f"/reset/{token}", address)


def _send(letter: Letter, person: User, path: str, address: str) -> None:
    text = letter.to(person.username, f"{settings.PUBLIC_URL}{path}")
    send_mail(letter.subject, text, None, [address])
