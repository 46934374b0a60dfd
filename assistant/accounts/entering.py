"""Signing in: with name and password, or with somebody else's word for who it is."""

from __future__ import annotations

import time
import unicodedata

from django.contrib.auth import login
from django.http import HttpRequest

from assistant.accounts import attempts, factors, people
from assistant.accounts.attempts import Limit
from assistant.errors import SecondFactorNeeded, SignInFailed
from assistant.models import User

# A person at a keyboard; somebody who tries names; many machines that try one name.
TRIES = Limit("sign-ins-of-name-at-address", amount=10, per_s=600)
OF_ADDRESS = Limit("failed-sign-ins-at-address", amount=300, per_s=600)
OF_NAME = Limit("failed-sign-ins-of-name", amount=100, per_s=3600)
WAITING = "danas.second-factor"
WAITING_S = 600
BACKEND = "django.contrib.auth.backends.ModelBackend"


def by_password(request: HttpRequest, name: str, password: str, code: str = "") -> User:
    """Sign in whoever has this name, password and, if there is one, second factor.

    Raises:
        SignInFailed, SecondFactorNeeded, SecondFactorWrong, RateExceeded
    """
    person = _recognised(name, password, attempts.address_of(request))
    factors.demand(person, code)
    return let_in(request, person)


def _recognised(name: str, password: str, address: str) -> User:
    """What failed is counted whether or not there is somebody of that name."""
    who = unicodedata.normalize("NFKC", name).casefold()
    attempts.check(OF_ADDRESS, address)
    attempts.check(OF_NAME, who)
    attempts.spend(TRIES, who, address)
    try:
        person = people.recognise(name, password)
    except SignInFailed:
        attempts.spend(OF_ADDRESS, address)
        attempts.spend(OF_NAME, who)
        raise
    attempts.forgive(TRIES, who, address)
    return person


def by_word(request: HttpRequest, person: User) -> User:
    """Sign in somebody whom another site has recognised; a second factor here is still asked for.

    Raises:
        SecondFactorNeeded: `by_code` goes on from here.
    """
    try:
        factors.demand(person, "")
    except SecondFactorNeeded:
        request.session[WAITING] = {"person": person.pk, "at": time.time()}
        raise
    return let_in(request, person)


def by_code(request: HttpRequest, code: str) -> User:
    """The second step of a sign-in that `by_word` began.

    Raises:
        SignInFailed: none is under way in this browser.
        SecondFactorNeeded, SecondFactorWrong, RateExceeded
    """
    waiting = request.session.get(WAITING) or {"person": None, "at": 0.0}
    person = User.objects.filter(pk=waiting["person"], is_active=True).first()
    if person is None or time.time() - waiting["at"] > WAITING_S:
        raise SignInFailed("Begin again: the sign-in took too long.")
    factors.demand(person, code)
    del request.session[WAITING]
    return let_in(request, person)


def let_in(request: HttpRequest, person: User) -> User:
    login(request, person, backend=BACKEND)
    return person
