"""Browsers one is signed in at."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from assistant.accounts import sessions
from assistant.errors import NotFound
from assistant.models import BrowserSession
from tests import factories

pytestmark = pytest.mark.django_db
SESSIONS = "/v1/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


def key_of(client):
    return client.cookies["sessionid"].value


def test_the_list_says_which_browser_is_asking():
    ada = factories.ada()
    here, _ = signed_in(ada), signed_in(ada)
    signed_in(factories.ben())

    listed = here.get(SESSIONS).json()["data"]

    this = BrowserSession.objects.get(session_key=key_of(here))
    assert sorted(each["is_this"] for each in listed) == [False, True]
    assert next(each["id"] for each in listed if each["is_this"]) == this.pk


@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (FIREFOX, "Firefox", "Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge", "Windows"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/18 Safari/604.1", "Safari", "iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/126.0 Mobile Safari/537.36", "Chrome", "Android"),
        ("curl/8.5", "", ""),
    ],
)
def test_a_device_is_named_in_plain_words(client, agent, browser, system):
    factories.ada()
    body = {"name": "ada", "password": factories.PASSWORD}
    headers = {"User-Agent": agent}
    client.post("/v1/session", body, content_type="application/json", headers=headers)

    (device,) = client.get(SESSIONS).json()["data"]

    assert (device["browser"], device["system"], device["address"]) == (
        browser,
        system,
        "127.0.0.1",
    )


def test_a_browser_is_signed_out_from_another():
    ada = factories.ada()
    here, there = signed_in(ada), signed_in(ada)
    other = BrowserSession.objects.get(session_key=key_of(there))

    assert here.delete(f"{SESSIONS}/{other.pk}").status_code == 204

    assert there.get("/v1/session").status_code == 401
    assert here.get("/v1/session").status_code == 200


def test_signing_out_everywhere_else_leaves_this_one_and_other_people():
    ada = factories.ada()
    here, there, ben = signed_in(ada), signed_in(ada), signed_in(factories.ben())

    assert here.delete(SESSIONS).status_code == 204

    statuses = [client.get("/v1/session").status_code for client in (here, there, ben)]
    assert statuses == [200, 401, 200]


def test_somebody_elses_browser_does_not_exist():
    signed_in(factories.ben())
    bens = BrowserSession.objects.get()

    with pytest.raises(NotFound):
        sessions.end(factories.ada(), bens.pk)

    assert Session.objects.exists()


def test_a_session_that_ran_out_is_not_listed_and_is_forgotten():
    ada = factories.ada()
    signed_in(ada)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert sessions.listed(ada, None) == []

    sessions.clear_expired()
    assert not Session.objects.exists()
    assert not BrowserSession.objects.exists()


def test_signing_out_forgets_the_browser():
    browser = signed_in(factories.ada())

    browser.delete("/v1/session")

    assert not BrowserSession.objects.exists()


def test_when_it_was_last_seen_is_written_once_a_minute(django_assert_num_queries):
    browser = signed_in(factories.ada())
    key = key_of(browser)
    long_ago = timezone.now() - timedelta(hours=1)
    BrowserSession.objects.update(seen_at=long_ago)

    browser.get("/v1/session")
    seen = BrowserSession.objects.get().seen_at
    sessions.note_seen(key)

    assert seen > long_ago
    assert BrowserSession.objects.get().seen_at == seen
