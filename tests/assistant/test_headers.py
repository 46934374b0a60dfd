"""What a browser is told not to do, and where other sites are turned away."""

from __future__ import annotations

import pytest
from django.test import Client

from assistant.headers import CONTENT_POLICY, of_a_file
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/nothing", "/nowhere", "/healthz"])
@pytest.mark.parametrize("name", ["X-Content-Type-Options", "Referrer-Policy"])
def test_every_answer_says_how_it_is_to_be_treated(client, path, name):
    headers = client.get(path).headers

    expected = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    assert headers[name] == expected[name]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/", "/settings", "/learning", "/nowhere"])
def test_every_page_runs_its_own_scripts_only(client, path, tmp_path, settings):
    (tmp_path / "index.html").write_text("<!doctype html>")
    settings.FRONTEND_DIST = tmp_path

    response = client.get(path)

    assert response["Content-Type"].startswith("text/html")
    assert response["Content-Security-Policy"] == CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY


@pytest.mark.parametrize(("is_secure", "age"), [(True, "max-age=31536000"), (False, None)])
def test_https_is_insisted_on_only_where_there_is_https(client, settings, is_secure, age):
    settings.SESSION_COOKIE_SECURE = is_secure

    response = client.get("/v1/models")

    assert response.headers.get("Strict-Transport-Security") == age


def test_a_built_file_comes_with_the_same_headers():
    headers: dict[str, str] = {}

    of_a_file(headers, "assets/icon.svg", "/assets/icon.svg")

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == CONTENT_POLICY


def test_signing_in_gives_the_session_a_new_name_and_keeps_scripts_away_from_it(client):
    factories.ada()
    client.cookies["sessionid"] = "chosen-by-somebody-else"

    client.post("/v1/session", {"name": "ada", "password": PASSWORD}, content_type=JSON)

    cookie = client.cookies["sessionid"]
    assert len(cookie.value) == 32
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_whoever_signs_in_next_gets_another_session(client):
    factories.ada(), factories.ben()
    client.post("/v1/session", {"name": "ada", "password": PASSWORD}, content_type=JSON)
    adas = client.cookies["sessionid"].value

    client.post("/v1/session", {"name": "ben", "password": PASSWORD}, content_type=JSON)
    old = Client()
    old.cookies["sessionid"] = adas

    assert client.cookies["sessionid"].value != adas
    assert old.get("/v1/session").status_code == 401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://testserver.evil.example"]
)
def test_a_page_of_another_site_changes_nothing_even_with_the_token(origin):
    ada = factories.browser(factories.ada(training=True))
    ada.get("/v1/session")
    headers = {"X-CSRFToken": ada.cookies["csrftoken"].value, "Origin": origin}

    answer = ada.patch("/v1/session", {"training": False}, content_type=JSON, headers=headers)

    assert answer.status_code == 403
    assert factories.ada().trains


@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", ["/v1/session", "/v1/accounts"])
def test_no_form_of_another_site_gets_as_far_as_signing_in(client, path, content):
    answer = client.post(path, '{"name": "ada", "password": "x"}', content_type=content)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/signin?next=https://evil.example",
        "/signin?next=//evil.example",
        "/oidc/login?next=https://evil.example",
        "/settings//evil.example/..",
        "/c/11111111-1111-4111-8111-111111111111//",
    ],
)
def test_no_address_of_ours_leads_elsewhere(client, path):
    answer = client.get(path)

    assert "evil.example" not in answer.headers.get("Location", "")
