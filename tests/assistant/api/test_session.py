import json
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from assistant.accounts import keys
from assistant.models import User
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

SESSION = "/v1/session"
JSON = "application/json"


def test_signing_in_shows_who_one_is(client, settings):
    factories.ada(training=True, research=None)

    body = {"name": "ada", "password": PASSWORD}
    me = client.post(SESSION, body, content_type=JSON).json()

    assert me == {
        "id": factories.ada().pk,
        "name": "ada",
        "role": "member",
        "training": True,
        "research": None,
        "scopes": ["chat", "feedback"],
        "signup": "closed",
        "must_set_up": False,
        "model": {
            "name": "SmolLM2-135M-Instruct",
            "window_tokens": settings.WINDOW_TOKENS,
            "answer_tokens": settings.ANSWER_TOKENS,
            "images": False,
        },
    }
    assert client.get(SESSION).json() == me


def test_a_wrong_password_is_said_and_signs_nobody_in(client):
    factories.ada()

    body = {"name": "ada", "password": "no"}
    answer = client.post(SESSION, body, content_type=JSON)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "sign_in_failed"
    assert client.get(SESSION).status_code == 401


def test_a_form_of_another_site_cannot_sign_anyone_in(client):
    factories.ada()

    body = json.dumps({"name": "ada", "password": PASSWORD})
    answer = client.post(SESSION, body, content_type="text/plain")

    assert answer.status_code == 415
    assert client.get(SESSION).status_code == 401


def test_the_csrf_cookie_comes_before_signing_in_too(client):
    answer = client.get(SESSION)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_signed_in"
    assert answer.cookies["csrftoken"].value


def test_signing_out_ends_the_session_and_can_be_repeated(client):
    client.force_login(factories.ada())

    assert client.delete(SESSION).status_code == 204
    assert client.delete(SESSION).status_code == 204
    assert client.get(SESSION).status_code == 401


def test_a_change_by_session_needs_the_csrf_token():
    ada = factories.browser(factories.ada(training=True))
    body = {"training": False}
    ada.get(SESSION)
    token = ada.cookies["csrftoken"].value

    refused = ada.patch(SESSION, body, content_type=JSON)
    taken = ada.patch(SESSION, body, content_type=JSON, headers={"X-CSRFToken": token})

    assert refused.status_code == 403
    assert "X-CSRFToken" in refused.json()["error"]["message"]
    assert taken.json()["training"] is False


def test_a_change_by_key_needs_no_csrf_token():
    ada = factories.caller(factories.ada(research=False))

    me = ada.patch(SESSION, {"research": True}, content_type=JSON).json()

    assert (me["training"], me["research"]) == (True, True)


def test_a_key_of_narrow_scope_cannot_consent_for_its_owner():
    ada = factories.caller(factories.ada(training=False), "chat")

    answer = ada.patch(SESSION, {"training": True}, content_type=JSON)

    assert answer.status_code == 403
    assert not factories.ada().trains


def test_a_key_shows_its_own_scopes(client):
    key = keys.create(factories.ada(), ["chat"])

    me = client.get(SESSION, headers={"Authorization": f"Bearer {key}"}).json()

    assert me["scopes"] == ["chat"]


def test_a_session_that_ran_out_opens_nothing_and_changes_nothing():
    ada = factories.browser(factories.ada(training=True))
    headers = {"X-CSRFToken": ada.get(SESSION) and ada.cookies["csrftoken"].value}
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    answers = [
        ada.get("/v1/conversations"),
        ada.patch(SESSION, {"training": False}, content_type=JSON, headers=headers),
    ]

    assert [answer.json()["error"]["code"] for answer in answers] == ["not_signed_in"] * 2
    assert factories.ada().trains


def test_signing_up_is_closed_unless_opened(client):
    body = {"name": "cy", "password": PASSWORD}
    answer = client.post("/v1/accounts", body, content_type=JSON)

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "signup_closed"
    assert not User.objects.exists()


def test_signing_up_asks_for_consent_and_signs_in(client, settings):
    settings.SIGNUP = "open"

    body = {"name": "cy", "password": PASSWORD, "training": True, "research": False}
    me = client.post("/v1/accounts", body, content_type=JSON).json()

    assert (me["role"], me["training"], me["research"]) == ("member", True, False)
    assert client.get(SESSION).json() == me


@pytest.mark.parametrize(
    ("name", "password", "status", "code"),
    [
        ("ada", PASSWORD, 409, "name_taken"),
        ("cy", "short", 400, "password_weak"),
        ("not a name", PASSWORD, 400, "name_invalid"),
    ],
)
def test_a_sign_up_that_cannot_be_says_why(client, settings, name, password, status, code):
    settings.SIGNUP = "open"
    factories.ada()

    body = {"name": name, "password": password}
    answer = client.post("/v1/accounts", body, content_type=JSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
