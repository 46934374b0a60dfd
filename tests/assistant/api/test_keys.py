"""API keys over HTTP: made, listed, used, expired, revoked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.accounts import keys
from assistant.errors import NotSignedIn
from assistant.models import ApiKey
from tests import factories

pytestmark = pytest.mark.django_db
KEYS = "/v1/keys"


def make(client, **body):
    return client.post(KEYS, {"name": "My script", **body}, content_type="application/json")


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_shown_once_and_then_only_its_beginning(client):
    client.force_login(factories.ada())

    made = make(client, scopes=["chat"], expires_in_days=30).json()
    (listed,) = client.get(KEYS).json()["data"]

    assert listed == made["data"]
    assert made["key"].startswith(listed["prefix"])
    assert made["key"] not in str(listed)
    assert (listed["name"], listed["scopes"], listed["used_at"]) == ("My script", ["chat"], None)


def test_a_key_does_what_its_scopes_say_and_no_more(client):
    client.force_login(factories.ada())
    key = make(client, scopes=["feedback"]).json()["key"]
    client.logout()

    assert client.get("/v1/conversations", headers=bearer(key)).status_code == 403
    assert client.get("/v1/learning/receipts", headers=bearer(key)).status_code == 200
    assert make(client, headers=bearer(key)).status_code == 401
    assert client.get(KEYS, headers=bearer(key)).status_code == 403


def test_a_scope_beyond_the_role_is_refused(client):
    client.force_login(factories.ada())

    answer = make(client, scopes=["review"])

    assert answer.status_code == 403
    assert not ApiKey.objects.exists()


def test_an_expired_key_opens_nothing_and_is_listed_no_more(client):
    ada = factories.ada()
    key = keys.create(ada, expires_at=timezone.now() + timedelta(days=1))
    assert keys.caller(key).person == ada

    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(NotSignedIn):
        keys.caller(key)
    assert keys.living(ada) == []


def test_a_revoked_key_stops_at_once(client):
    ada = factories.ada()
    key = keys.create(ada)
    client.force_login(ada)

    assert client.delete(f"{KEYS}/{ApiKey.objects.get().pk}").status_code == 204

    client.logout()
    assert client.get("/v1/session", headers=bearer(key)).status_code == 401


def test_the_last_use_is_written_at_most_once_a_minute():
    key = keys.create(factories.ada())
    keys.caller(key)
    first = ApiKey.objects.get().used_at

    keys.caller(key)
    again = ApiKey.objects.get().used_at
    ApiKey.objects.update(used_at=first - timedelta(seconds=61))
    keys.caller(key)

    assert first is not None
    assert again == first
    assert ApiKey.objects.get().used_at > first - timedelta(seconds=61)


@pytest.mark.parametrize("days", [0, -1, 100_000])
def test_a_key_that_would_never_live_or_never_die_is_refused(client, days):
    client.force_login(factories.ada())

    assert make(client, expires_in_days=days).status_code == 400
