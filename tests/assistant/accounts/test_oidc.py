"""Signing in at another site, against a small issuer that is real in all that matters."""

import time

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from assistant.accounts import invitations, roles
from assistant.models import Act, Role, User
from tests import factories
from tests.assistant.accounts.test_factors import turned_on
from tests.issuer import Issuer, key

pytestmark = pytest.mark.django_db
SESSION = "/v1/session"


@pytest.fixture
def issuer(settings):
    with Issuer(preferred_username="ada", email="ada@example.org") as issuer:
        settings.OIDC_NAME = "The office"
        settings.SOCIALACCOUNT_PROVIDERS = issuer.provider
        settings.SIGNUP = "open"
        yield issuer


def linked(person):
    """The issuer's person number 7 has this account."""
    SocialAccount.objects.create(user=person, provider="oidc", uid="7")
    return person


def test_a_new_person_gets_an_account_and_is_asked_for_consent_later(client, issuer):
    back = issuer.come_back(client)

    me = client.get(SESSION).json()
    assert (back.status_code, back["Location"]) == (302, "/")
    assert (me["name"], me["role"], me["training"]) == ("ada", Role.MEMBER, None)
    assert not User.objects.get().has_usable_password()


def test_coming_again_is_coming_to_the_same_account(client, issuer):
    issuer.come_back(client)
    client.delete(SESSION)
    issuer.person["preferred_username"] = "ada.lovelace"

    issuer.come_back(client)

    assert client.get(SESSION).json()["name"] == "ada"
    assert User.objects.count() == 1


def test_a_name_that_is_taken_here_gives_nobody_that_account(client, issuer):
    ada = factories.ada()

    issuer.come_back(client)

    assert client.get(SESSION).json()["name"] == "ada2"
    assert client.get(SESSION).json()["id"] != ada.pk


@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_where_sign_up_is_closed_only_known_people_come_in(client, settings, issuer, mode):
    settings.SIGNUP = mode

    back = issuer.come_back(client)

    assert back["Location"] == "/signin?sso=signup_closed"
    assert not User.objects.exists()
    linked(factories.ben())
    assert issuer.come_back(client)["Location"] == "/"
    assert client.get(SESSION).json()["name"] == "ben"


def test_an_invitation_is_carried_to_the_issuer_and_back(client, settings, issuer):
    settings.SIGNUP = "invitation"
    _, token = invitations.make(factories.ann(), role=Role.REVIEWER, note="", days=1)

    issuer.come_back(client, f"?invitation={token}")

    assert client.get(SESSION).json()["role"] == Role.REVIEWER
    stranger = Client()
    issuer.person["sub"] = "8"
    again = issuer.come_back(stranger, f"?invitation={token}")
    assert again["Location"] == "/signin?sso=invitation_invalid"


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another website"},
        {"iss": "https://evil.example.org"},
        {"exp": int(time.time()) - 10},
        {"sub": "8"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_token_that_was_not_made_for_this_sign_in_opens_nothing(client, issuer, wrong):
    issuer.wrong = wrong

    back = issuer.come_back(client)

    assert back["Location"] == "/signin?sso=failed"
    assert client.get(SESSION).status_code == 401
    assert not User.objects.exists()


def test_a_token_that_somebody_else_signed_opens_nothing(client, issuer):
    issuer.signing_key = key(2)

    assert issuer.come_back(client)["Location"] == "/signin?sso=failed"
    assert not User.objects.exists()


def test_another_browsers_answer_signs_nobody_in(client, issuer):
    sent = Client().get("/oidc/login")

    back = client.get(f"/oidc/callback?{issuer.ask(sent['Location'])}")

    assert back["Location"] == "/signin?sso=failed"
    assert client.get(SESSION).status_code == 401


def test_an_answer_is_good_for_one_time(client, issuer):
    query = issuer.ask(client.get("/oidc/login")["Location"])
    client.get(f"/oidc/callback?{query}")
    client.delete(SESSION)

    assert client.get(f"/oidc/callback?{query}")["Location"] == "/signin?sso=failed"


def test_a_second_factor_is_asked_for_all_the_same(client, issuer):
    _, codes = turned_on(linked(factories.ben()))

    back = issuer.come_back(client)
    between = client.get(SESSION).status_code
    body = {"code": codes[0]}
    after = client.post(f"{SESSION}/second-step", body, content_type="application/json")

    assert back["Location"] == "/signin?sso=second_factor"
    assert between == 401
    assert after.json()["name"] == "ben"


def test_a_second_step_without_a_first_leads_nowhere(client):
    body = {"code": "123456"}
    answer = client.post(f"{SESSION}/second-step", body, content_type="application/json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in_failed")


def test_a_closed_account_stays_closed(client, issuer):
    ben = linked(factories.ben())
    roles.change(factories.ann(), ben.pk, is_active=False)

    assert issuer.come_back(client)["Location"] == "/signin?sso=failed"
    assert client.get(SESSION).status_code == 401


def test_an_issuer_that_is_away_is_said(client, issuer, settings):
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = (
        "http://127.0.0.1:9"
    )

    assert client.get("/oidc/login")["Location"] == "/signin?sso=unreachable"


def test_without_an_issuer_there_is_no_such_address(client):
    assert client.get("/oidc/login").status_code == 404
    assert client.get("/oidc/callback").status_code == 404


def ask_to_link(client, **body):
    body = {"password": factories.PASSWORD, **body}
    return client.post("/v1/account/link", body, content_type="application/json")


def test_who_is_signed_in_links_their_account_and_comes_in_by_it(client, issuer):
    ada = factories.ada()
    client.force_login(ada)

    asked = ask_to_link(client)
    back = issuer.come_back(client)
    account = client.get("/v1/account").json()
    stranger = Client()
    issuer.come_back(stranger)

    assert asked.json() == {"path": "/oidc/login"}
    assert back["Location"] == "/settings/security?sso=linked"
    assert (account["elsewhere"], account["is_linked"]) == ("The office", True)
    assert stranger.get(SESSION).json()["id"] == ada.pk
    assert Act.objects.get().kind == Act.Kind.LINK


def test_without_having_asked_nothing_is_linked(client, issuer):
    client.force_login(factories.ada())

    issuer.come_back(client)

    assert not SocialAccount.objects.filter(user=factories.ada()).exists()


def test_a_link_takes_the_password(client, issuer):
    client.force_login(factories.ada())

    answer = ask_to_link(client, password="a guess")

    assert answer.json()["error"]["code"] == "password_wrong"
    issuer.come_back(client)
    assert not SocialAccount.objects.filter(user=factories.ada()).exists()


def test_what_is_linked_to_somebody_else_stays_so(client, issuer):
    linked(factories.ben())
    client.force_login(factories.ada())
    ask_to_link(client)

    back = issuer.come_back(client)

    assert back["Location"] == "/settings/security?sso=taken"
    assert SocialAccount.objects.get().user == factories.ben()
    assert client.get(SESSION).json()["name"] == "ada"


def test_a_link_that_was_asked_for_links_nobody_else_who_signed_in_meanwhile(client, issuer):
    client.force_login(factories.ada())
    ask_to_link(client)
    query = issuer.ask(client.get("/oidc/login")["Location"])
    session = client.session
    session["_auth_user_id"] = str(factories.ben().pk)
    session["_auth_user_hash"] = factories.ben().get_session_auth_hash()
    session.save()

    back = client.get(f"/oidc/callback?{query}")

    assert back["Location"] == "/signin?sso=failed"
    assert not SocialAccount.objects.exists()


def test_a_linked_account_is_unlinked_where_there_is_a_password(client, issuer):
    client.force_login(linked(factories.ada()))
    body = {"password": factories.PASSWORD}

    first = client.post("/v1/account/unlink", body, content_type="application/json")
    second = client.post("/v1/account/unlink", body, content_type="application/json")

    assert (first.status_code, second.status_code) == (204, 404)
    assert not SocialAccount.objects.exists()
    assert Act.objects.get().kind == Act.Kind.UNLINK


def test_the_only_way_in_is_not_unlinked(client, issuer):
    issuer.come_back(client)

    answer = client.post("/v1/account/unlink", {}, content_type="application/json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_way_in")
    assert SocialAccount.objects.exists()


def test_without_an_issuer_there_is_nothing_to_link(client):
    client.force_login(factories.ada())

    assert ask_to_link(client).status_code == 404
    assert client.get("/v1/account").json()["elsewhere"] == ""
