"""Signing in over HTTP: attempts that are limited, and the second step."""

import pytest
from django.contrib.auth import hashers

from assistant.accounts import attempts, entering, factors
from assistant.accounts.attempts import Limit
from assistant.errors import RateExceeded
from tests import factories
from tests.assistant.accounts.test_factors import turned_on
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
SESSION = "/v1/session"


def sign_in(client, name="ada", password=PASSWORD, code="", address="10.0.0.1"):
    body = {"name": name, "password": password, **({"code": code} if code else {})}
    return client.post(SESSION, body, content_type="application/json", REMOTE_ADDR=address)


def code(response):
    return response.status_code, response.json()["error"]["code"]


def test_a_second_factor_makes_signing_in_two_steps(client):
    _, codes = turned_on(factories.ada())

    first = sign_in(client)
    wrong = sign_in(client, code="111111")
    between = client.get(SESSION)
    second = sign_in(client, code=codes[0])

    assert code(first) == (401, "second_factor_needed")
    assert code(wrong) == (403, "second_factor_wrong")
    assert between.status_code == 401
    assert second.json()["name"] == "ada"
    assert client.get(SESSION).status_code == 200


def test_a_wrong_password_is_said_before_any_code_is_looked_at(client):
    _, codes = turned_on(factories.ada())

    answer = sign_in(client, password="not it", code=codes[0])

    assert code(answer) == (401, "sign_in_failed")
    assert factors.recovery_codes_left(factories.ada()) == len(codes)


@pytest.mark.parametrize("name", ["ada", "nobody.of.that.name"])
def test_after_ten_wrong_passwords_a_name_waits_at_that_address_only(client, name):
    factories.ada()
    for _ in range(entering.TRIES.amount):
        assert sign_in(client, name, "not it").status_code == 401

    refused = sign_in(client, name)
    elsewhere = sign_in(client, "ada", address="10.0.0.2")

    assert code(refused) == (429, "rate_limit_exceeded")
    # The first try leaves the window ten minutes after it was made.
    assert 590 <= int(refused["Retry-After"]) <= 600
    assert "Try again in 10 minutes" in refused.json()["error"]["message"]
    assert elsewhere.status_code == 200


def test_the_case_of_a_name_gives_no_further_tries(client):
    for number in range(entering.TRIES.amount):
        sign_in(client, "ADA" if number % 2 else "ada", "not it")

    assert sign_in(client, "Ada", "not it").status_code == 429


def test_coming_in_gives_all_tries_back(client):
    factories.ada()
    for _ in range(3):
        for _ in range(entering.TRIES.amount - 1):
            sign_in(client, password="not it")
        assert sign_in(client).status_code == 200


def test_an_address_that_tries_many_names_waits(client, monkeypatch):
    factories.ada()
    monkeypatch.setattr(entering, "OF_ADDRESS", Limit("few-at-address", 3, 600))
    for number in range(3):
        sign_in(client, f"name{number}", "not it")

    assert sign_in(client).status_code == 429
    assert sign_in(client, address="10.0.0.2").status_code == 200


def test_many_addresses_that_try_one_name_wait(client, monkeypatch):
    factories.ada()
    monkeypatch.setattr(entering, "OF_NAME", Limit("few-of-name", 3, 600))
    for number in range(3):
        sign_in(client, password="not it", address=f"10.0.1.{number}")

    assert sign_in(client, address="10.0.2.1").status_code == 429
    assert sign_in(client, "ben", "not it", address="10.0.2.1").status_code == 401


@pytest.mark.parametrize("name", ["ada", "closed", "nobody"])
def test_every_failure_costs_one_hash_whoever_it_is(client, monkeypatch, name):
    factories.ada()
    closed = factories.person("closed")
    closed.is_active = False
    closed.save()
    hashed = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher,
        "encode",
        lambda self, *args: hashed.append(1) or encode(self, *args),
    )

    sign_in(client, name, "not it")

    assert len(hashed) == 1


def test_a_hundred_people_sign_up_from_one_address_in_no_time(client, settings):
    settings.SIGNUP = "open"

    answers = [
        client.post(
            "/v1/accounts",
            {"name": f"p{number}", "password": PASSWORD},
            content_type="application/json",
        )
        for number in range(100)
    ]

    assert {answer.status_code for answer in answers} == {200}


def test_unknown_keys_are_limited_by_address_and_good_ones_never(client, monkeypatch):
    monkeypatch.setattr("assistant.accounts.keys.UNKNOWN_KEYS", Limit("few-keys", 2, 60))
    good = factories.caller(factories.ada())
    wrong = {"Authorization": "Bearer danas-guess"}

    guesses = [client.get(SESSION, headers=wrong).status_code for _ in range(3)]

    assert guesses == [401, 401, 429]
    assert good.get(SESSION).status_code == 200


def test_one_customers_ipv6_addresses_count_as_one(rf):
    one = rf.get("/", REMOTE_ADDR="2001:db8:1:2::1")
    other = rf.get("/", REMOTE_ADDR="2001:db8:1:2:ffff::9")
    stranger = rf.get("/", REMOTE_ADDR="2001:db8:1:3::1")

    assert attempts.address_of(one) == attempts.address_of(other)
    assert attempts.address_of(one) != attempts.address_of(stranger)


def test_without_valkey_nobody_is_locked_out(monkeypatch, settings):
    attempts._counter.cache_clear()
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock"
    limit = Limit("any", 1, 60)

    try:
        attempts.spend(limit, "ada")
        attempts.spend(limit, "ada")
    except RateExceeded:
        pytest.fail("counted without Valkey")
    finally:
        attempts._counter.cache_clear()
