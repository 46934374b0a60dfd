"""Changing a password, and links to a new one, by an administrator and by e-mail."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from assistant import tasks
from assistant.accounts import email, passwords, roles
from assistant.errors import (
    EmailInvalid,
    PasswordWeak,
    PasswordWrong,
    RateExceeded,
    ResetLinkInvalid,
)
from assistant.models import ResetLink, Role
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "another walk by the river"
JSON = "application/json"


@pytest.fixture
def with_mail(settings, monkeypatch):
    """A mail server, and a worker that does at once what it is asked."""
    settings.HAS_MAIL = True
    settings.PUBLIC_URL = "https://danas.example.org"
    doing = {
        email.SEND_RESET: tasks.send_reset_link,
        email.SEND_CONFIRMATION: tasks.send_confirmation,
    }
    monkeypatch.setattr(
        "assistant.accounts.email.current_app.send_task", lambda name, args: doing[name](*args)
    )


def token_in(text: str, kind: str) -> str:
    return re.search(rf"https://danas\.example\.org/{kind}/(\S+)", text)[1]


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_changing_the_password_signs_out_everywhere_else():
    ada = factories.ada()
    here, there = signed_in(ada), signed_in(ada)

    body = {"password": PASSWORD, "new": NEW}
    answer = here.put("/v1/account/password", body, content_type=JSON)

    assert answer.status_code == 204
    assert here.get("/v1/session").status_code == 200
    assert there.get("/v1/session").status_code == 401
    assert factories.ada().check_password(NEW)


@pytest.mark.parametrize(
    ("password", "new", "status", "code"),
    [("not it", NEW, 403, "password_wrong"), (PASSWORD, "short", 400, "password_weak")],
)
def test_a_change_that_cannot_be_changes_nothing(password, new, status, code):
    body = {"password": password, "new": new}
    answer = signed_in(factories.ada()).put("/v1/account/password", body, content_type=JSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert factories.ada().check_password(PASSWORD)


def test_who_finds_a_browser_cannot_guess_the_password_there():
    ada = factories.ada()
    for _ in range(passwords.CONFIRMATIONS.amount):
        with pytest.raises(PasswordWrong):
            passwords.confirm(ada, "not it")

    with pytest.raises(RateExceeded):
        passwords.confirm(ada, PASSWORD)


def test_a_reset_link_sets_a_password_once_and_signs_out_everywhere():
    ada = factories.ada()
    browser = signed_in(ada)
    _, token = roles.make_reset_link(factories.ann(), ada.pk)

    passwords.redeem(token, NEW)

    assert browser.get("/v1/session").status_code == 401
    assert factories.ada().check_password(NEW)
    with pytest.raises(ResetLinkInvalid):
        passwords.redeem(token, PASSWORD)
    assert factories.ada().check_password(NEW)


def test_a_weak_password_does_not_use_the_link_up():
    _, token = passwords.make_link(factories.ada(), by=None)

    with pytest.raises(PasswordWeak):
        passwords.redeem(token, "short")

    passwords.redeem(token, NEW)


def test_a_reset_link_expires():
    link, token = passwords.make_link(factories.ada(), by=None)
    ResetLink.objects.filter(pk=link.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(ResetLinkInvalid, match="expired"):
        passwords.redeem(token, NEW)


def test_a_newer_link_takes_the_place_of_an_older():
    _, older = passwords.make_link(factories.ada(), by=None)
    _, newer = passwords.make_link(factories.ada(), by=None)

    with pytest.raises(ResetLinkInvalid):
        passwords.redeem(older, NEW)
    passwords.redeem(newer, NEW)


def test_a_link_ends_with_the_office_of_who_made_it():
    _, token = passwords.make_link(factories.ada(), by=factories.ann())
    roles.change(factories.person("bob", Role.ADMIN), factories.ann().pk, role=Role.MEMBER)

    with pytest.raises(ResetLinkInvalid):
        passwords.redeem(token, NEW)

    assert factories.ada().check_password(PASSWORD)


def test_a_link_to_a_closed_account_opens_nothing():
    ada = factories.ada()
    _, token = passwords.make_link(ada, by=None)
    roles.change(factories.ann(), ada.pk, is_active=False)

    with pytest.raises(ResetLinkInvalid):
        passwords.redeem(token, NEW)


def test_a_confirmed_address_is_sent_a_link(client, with_mail, django_capture_on_commit_callbacks):
    ada = factories.ada()
    with django_capture_on_commit_callbacks(execute=True):
        email.change(ada, "Ada@example.org")
    confirmation = token_in(mail.outbox[0].body, "confirm")
    body = {"token": confirmation}
    assert client.post("/v1/account/email/confirm", body, content_type=JSON).status_code == 204

    asked = client.post("/v1/password-resets", {"name": "ada@EXAMPLE.org"}, content_type=JSON)

    assert asked.status_code == 202
    assert mail.outbox[1].to == ["ada@example.org"]
    passwords.redeem(token_in(mail.outbox[1].body, "reset"), NEW)
    assert factories.ada().check_password(NEW)


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        ("fil", "Kumusta ada"),
        ("de, tl-PH;q=0.9, en;q=0.5", "Kumusta ada"),
        ("en-GB,fil;q=0.1", "Hello ada"),
        ("de", "Hello ada"),
        ("\x00;;,q=", "Hello ada"),
        ("", "Hello ada"),
    ],
)
def test_letters_are_in_the_language_of_who_asked(
    client, with_mail, django_capture_on_commit_callbacks, asked, begins
):
    headers = {"Accept-Language": asked}
    body = {"password": PASSWORD, "email": "ada@example.org"}
    ada = signed_in(factories.ada())
    with django_capture_on_commit_callbacks(execute=True):
        ada.put("/v1/account/email", body, content_type=JSON, headers=headers)
    email.confirm(token_in(mail.outbox[0].body, "confirm"))

    client.post("/v1/password-resets", {"name": "ada"}, content_type=JSON, headers=headers)

    assert [letter.body.startswith(begins) for letter in mail.outbox] == [True, True]
    assert token_in(mail.outbox[1].body, "reset")


def test_a_confirmation_is_used_once(with_mail, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        email.change(factories.ada(), "ada@example.org")
    token = token_in(mail.outbox[0].body, "confirm")
    email.confirm(token)

    with pytest.raises(EmailInvalid):
        email.confirm(token)


def test_an_address_that_somebody_has_confirmed_is_not_confirmed_twice(
    with_mail, django_capture_on_commit_callbacks
):
    EmailAddress.objects.create(user=factories.ada(), email="ada@example.org", verified=True)
    with django_capture_on_commit_callbacks(execute=True):
        email.change(factories.cy(), "ada@example.org")

    with pytest.raises(EmailInvalid):
        email.confirm(token_in(mail.outbox[0].body, "confirm"))

    assert not email.of(factories.cy()).verified


@pytest.mark.parametrize("named", ["ada", "ada@example.org", "nobody", "n" * 1_000_000])
def test_an_address_that_was_not_confirmed_is_sent_nothing_and_nobody_is_told(
    client, with_mail, named
):
    EmailAddress.objects.create(user=factories.ada(), email="ada@example.org", verified=False)

    asked = client.post("/v1/password-resets", {"name": named}, content_type=JSON)

    assert (asked.status_code, asked.json()) == (202, {"sent": "if there is such an account"})
    assert not mail.outbox
    assert not ResetLink.objects.exists()


def test_a_mailbox_is_not_flooded(client, with_mail):
    EmailAddress.objects.create(user=factories.ada(), email="ada@example.org", verified=True)

    for _ in range(passwords.MAILS.amount + 2):
        client.post("/v1/password-resets", {"name": "ada"}, content_type=JSON)

    assert len(mail.outbox) == passwords.MAILS.amount


def test_a_confirmation_is_for_the_address_it_was_sent_to(
    with_mail, django_capture_on_commit_callbacks
):
    ada = factories.ada()
    with django_capture_on_commit_callbacks(execute=True):
        email.change(ada, "ada@example.org")
    token = token_in(mail.outbox[0].body, "confirm")
    with django_capture_on_commit_callbacks(execute=True):
        email.change(ada, "ada@elsewhere.org")

    with pytest.raises(EmailInvalid):
        email.confirm(token)

    assert not email.of(ada).verified


@pytest.mark.parametrize(
    "address",
    ["ada", "ada@", "a b@c.org", f"ada@{'x' * 60}.{'y' * 60}.{'z' * 60}.{'w' * 60}.{'v' * 20}.org"],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(EmailInvalid):
        email.change(factories.ada(), address)
