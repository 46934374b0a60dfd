"""Second factors: codes of an authenticator app, and recovery codes for when it is lost."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, validate_totp_code
from django.core.cache import cache
from django.db import IntegrityError, transaction

from assistant.accounts import acts, attempts
from assistant.accounts.attempts import Limit
from assistant.errors import SecondFactorNeeded, SecondFactorOff, SecondFactorWrong
from assistant.models import Act, User

logger = logging.getLogger(__name__)
SET_UP_S = 900
# Six digits are a million guesses, of which three are right at any time.
ATTEMPTS = Limit("second-factors", amount=10, per_s=900)


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an authenticator app is told, as text and as a picture (an SVG document)."""

    secret: str
    url: str
    svg: str


class _Codes(TOTP):  # type: ignore[misc]
    """A used code stays used for as long as a clock that is off would take it."""

    def _mark_code_used(self, code: str) -> bool:
        ways = 2 * app_settings.TOTP_TOLERANCE + 1
        key = self._get_used_cache_key(code)
        return bool(cache.add(key, "y", timeout=ways * app_settings.TOTP_PERIOD))


def is_on(person: User) -> bool:
    return _of(person, Authenticator.Type.TOTP) is not None


def recovery_codes_left(person: User) -> int:
    found = _of(person, Authenticator.Type.RECOVERY_CODES)
    return len(RecoveryCodes(found).get_unused_codes()) if found else 0


def begin(person: User) -> SetUp:
    """Nothing changes until a code proves that the app has the secret."""
    secret = generate_totp_secret()
    cache.set(_set_up_key(person), secret, SET_UP_S)
    url = get_adapter().build_totp_url(person, secret)
    return SetUp(secret, url, get_adapter().build_totp_svg(url))


def turn_on(person: User, code: str) -> list[str]:
    """Returns the recovery codes, each good for one time.

    Raises:
        SecondFactorOff: nothing was begun, or too long ago.
        SecondFactorWrong, RateExceeded
    """
    secret = cache.get(_set_up_key(person))
    if secret is None or is_on(person):
        raise SecondFactorOff("Begin anew: there is no second factor waiting for its code.")
    attempts.spend(ATTEMPTS, str(person.pk))
    if not validate_totp_code(secret, _digits(code)):
        raise SecondFactorWrong("The code is wrong. Look at the app, and at your device's clock.")
    try:
        with transaction.atomic():
            _Codes.activate(person, secret).validate_code(_digits(code))
            acts.note(person, Act.Kind.FACTOR_ON)
    except IntegrityError:
        raise SecondFactorOff("There is a second factor already.") from None
    cache.delete(_set_up_key(person))
    attempts.forgive(ATTEMPTS, str(person.pk))
    logger.info("person %s turned the second factor on", person.pk)
    return _new_recovery_codes(person)


@transaction.atomic
def turn_off(person: User, *, by: User) -> None:
    """Raises SecondFactorOff: there is none."""
    gone, _ = Authenticator.objects.filter(user=person).delete()
    if not gone:
        raise SecondFactorOff("There is no second factor.")
    acts.note(by, Act.Kind.FACTOR_OFF, person.username)
    logger.info("the second factor of person %s is off", person.pk)


@transaction.atomic
def renew_recovery_codes(person: User) -> list[str]:
    """The codes from before stop working.

    Raises:
        SecondFactorOff: there is none that they would stand in for.
    """
    if not is_on(person):
        raise SecondFactorOff("There is no second factor.")
    acts.note(person, Act.Kind.RECOVERY)
    return _new_recovery_codes(person)


@transaction.atomic
def _new_recovery_codes(person: User) -> list[str]:
    Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).delete()
    return list(RecoveryCodes.activate(person).generate_codes())


def demand(person: User, code: str) -> None:
    """Let through who has no second factor, or shows it.

    Raises:
        SecondFactorNeeded, SecondFactorWrong, RateExceeded
    """
    app = _of(person, Authenticator.Type.TOTP)
    if app is None:
        return
    if not code:
        raise SecondFactorNeeded("Enter the code that your authenticator app shows.")
    attempts.spend(ATTEMPTS, str(person.pk))
    spare = _of(person, Authenticator.Type.RECOVERY_CODES)
    digits = _digits(code)
    if _Codes(app).validate_code(digits) or (spare and RecoveryCodes(spare).validate_code(digits)):
        attempts.forgive(ATTEMPTS, str(person.pk))
        return
    raise SecondFactorWrong("The code is wrong or was used before. Wait for the next one.")


def _of(person: User, kind: str) -> Authenticator | None:
    found: Authenticator | None = Authenticator.objects.filter(user=person, type=kind).first()
    return found


def _digits(code: str) -> str:
    """Without the blanks and dashes that people type; empty where there is anything else."""
    bare = re.sub(r"[\s-]", "", code)
    return bare if bare.isascii() and bare.isdecimal() else ""


def _set_up_key(person: User) -> str:
    return f"second-factor-set-up:{person.pk}"
