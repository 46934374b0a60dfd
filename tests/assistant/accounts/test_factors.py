"""Codes of an authenticator app and recovery codes, at the clock's and the attacker's worst."""

from types import SimpleNamespace

import pytest
from allauth.mfa.totp.internal import auth as totp

from assistant.accounts import factors
from assistant.errors import (
    RateExceeded,
    SecondFactorNeeded,
    SecondFactorOff,
    SecondFactorWrong,
)
from assistant.models import User
from tests import factories

pytestmark = pytest.mark.django_db
# The first second of a half minute.
NOON = 1_800_000_000


@pytest.fixture
def clock(monkeypatch):
    """`clock(30)`: half a minute later."""
    now = [NOON]
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: now[0]))

    def later(seconds: int) -> None:
        now[0] += seconds

    return later


def code_of(secret: str, halves: int = 0) -> str:
    """What an app shows, some half minutes from now."""
    counter = int(totp.time.time()) // 30 + halves
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def turned_on(person: User) -> tuple[str, list[str]]:
    """The secret and the recovery codes; the code of this half minute is used."""
    secret = factors.begin(person).secret
    return secret, factors.turn_on(person, code_of(secret))


def test_who_has_no_second_factor_is_asked_for_none():
    factors.demand(factories.ada(), "")


def test_a_set_up_changes_nothing_until_the_app_has_shown_a_code():
    ada = factories.ada()
    factors.begin(ada)

    with pytest.raises(SecondFactorWrong):
        factors.turn_on(ada, "not it")

    assert not factors.is_on(ada)


def test_the_picture_and_the_address_tell_the_app_the_same_secret():
    begun = factors.begin(factories.ada())

    assert f"secret={begun.secret}" in begun.url
    assert begun.url.startswith("otpauth://totp/ada?")
    assert begun.svg.startswith("<?xml")


def test_a_code_has_to_be_shown_once_it_is_on(clock):
    ada = factories.ada()
    secret, _ = turned_on(ada)
    clock(30)

    with pytest.raises(SecondFactorNeeded):
        factors.demand(ada, "")
    with pytest.raises(SecondFactorWrong):
        factors.demand(ada, "000000" if code_of(secret) != "000000" else "000001")
    factors.demand(ada, code_of(secret))


@pytest.mark.parametrize("after_s", [0, 29, 31, 59])
def test_a_code_is_good_for_one_time(clock, after_s):
    ada = factories.ada()
    secret, _ = turned_on(ada)
    clock(60)
    # Shown early by a clock that is fast, it would be taken for a minute and a half.
    code = code_of(secret, 1)
    factors.demand(ada, code)

    clock(after_s)

    with pytest.raises(SecondFactorWrong, match="used before"):
        factors.demand(ada, code)


@pytest.mark.parametrize(("halves", "is_taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_half_a_minute(clock, halves, is_taken):
    ada = factories.ada()
    secret, _ = turned_on(ada)
    clock(300)
    code = code_of(secret, halves)

    if is_taken:
        factors.demand(ada, code)
    else:
        with pytest.raises(SecondFactorWrong):
            factors.demand(ada, code)


def test_a_recovery_code_opens_once_with_or_without_its_blanks():
    ada = factories.ada()
    _, codes = turned_on(ada)
    spaced = f" {codes[0][:4]} {codes[0][4:]} "

    factors.demand(ada, spaced)

    assert factors.recovery_codes_left(ada) == len(codes) - 1
    with pytest.raises(SecondFactorWrong):
        factors.demand(ada, codes[0])


def test_new_recovery_codes_take_the_place_of_the_old():
    ada = factories.ada()
    _, old = turned_on(ada)

    new = factors.renew_recovery_codes(ada)

    assert not set(new) & set(old)
    with pytest.raises(SecondFactorWrong):
        factors.demand(ada, old[0])
    factors.demand(ada, new[0])


def test_guessing_codes_ends_soon_even_with_the_right_one(clock):
    ada = factories.ada()
    secret, _ = turned_on(ada)
    clock(60)
    for _ in range(factors.ATTEMPTS.amount):
        with pytest.raises(SecondFactorWrong):
            factors.demand(ada, "12")

    with pytest.raises(RateExceeded):
        factors.demand(ada, code_of(secret))


def test_what_is_off_can_neither_be_turned_off_nor_given_codes():
    ada = factories.ada()

    with pytest.raises(SecondFactorOff):
        factors.turn_off(ada, by=ada)
    with pytest.raises(SecondFactorOff):
        factors.renew_recovery_codes(ada)


def test_turning_it_off_leaves_nothing_behind():
    ada = factories.ada()
    turned_on(ada)

    factors.turn_off(ada, by=ada)

    factors.demand(ada, "")
    assert factors.recovery_codes_left(ada) == 0


def test_the_database_holds_no_secret_that_can_be_read():
    ada = factories.ada()
    secret, _ = turned_on(ada)

    stored = [str(row) for row in ada.authenticator_set.values()]

    assert len(stored) == 2
    assert not any(secret in row for row in stored)
