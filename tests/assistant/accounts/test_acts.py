"""What is done to accounts and the ways into them is written down, for administrators to see."""

from __future__ import annotations

import pytest

from assistant.accounts import acts, email, factors, invitations, keys, passwords, roles, signup
from assistant.errors import LastAdministrator, NotFound
from assistant.models import Act, ApiKey, SignUp
from tests import factories
from tests.assistant.accounts.test_factors import turned_on

pytestmark = pytest.mark.django_db


def written() -> list[tuple[str, str, str]]:
    """Who did what to whom, the latest last."""
    return [(act.name, act.kind, act.subject) for act in reversed(acts.listed(100))]


def test_what_administrators_do_to_others_is_written_down_once():
    ann, ada = factories.ann(), factories.ada()

    for _ in range(2):
        roles.change(ann, ada.pk, role="reviewer")
        roles.change(ann, ada.pk, is_active=False)
    roles.change(ann, ada.pk, is_active=True)
    roles.make_reset_link(ann, ada.pk)

    assert written() == [
        ("ann", "role", "ada: member → reviewer"),
        ("ann", "close", "ada"),
        ("ann", "reopen", "ada"),
        ("ann", "reset_link", "ada"),
    ]


def test_a_change_that_is_refused_leaves_no_trace():
    ann = factories.ann()

    with pytest.raises(LastAdministrator):
        roles.change(ann, ann.pk, role="member")
    with pytest.raises(NotFound):
        keys.revoke(ann, 1)

    assert written() == []


def test_keys_are_written_down_by_what_is_shown_of_them_and_not_as_they_are():
    key = keys.create(factories.ada(), ["chat"])

    keys.revoke(factories.ada(), ApiKey.objects.get().pk)

    shown = key[: keys.SHOWN_LENGTH]
    assert written() == [("ada", "key", f"{shown}… chat"), ("ada", "key_revoked", f"{shown}…")]


def test_a_second_factor_is_written_down_on_and_off_with_who_took_it_off():
    ada = factories.ada()

    turned_on(ada)
    factors.renew_recovery_codes(ada)
    roles.change(factories.ann(), ada.pk, has_factor=False)

    assert written() == [
        ("ada", "factor_on", ""),
        ("ada", "recovery", ""),
        ("ann", "factor_off", "ada"),
    ]


def test_passwords_addresses_invitations_and_sign_up_are_written_down(settings):
    settings.SIGNUP = ""
    ann = factories.ann()

    made, token = invitations.make(ann, role="member", note="", days=1)
    joined = signup.sign_up(
        "new", factories.PASSWORD, training=None, research=None, invitation=token
    )
    spare, _ = invitations.make(ann, role="reviewer", note="", days=1)
    invitations.revoke(ann, spare.pk)
    signup.choose(ann, SignUp.OPEN)
    passwords.change(joined, "another walk by the river", this=None)
    email.change(joined, "")

    assert written() == [
        ("ann", "invite", f"member, #{made.pk}"),
        ("new", "join", "member"),
        ("ann", "invite", f"reviewer, #{spare.pk}"),
        ("ann", "uninvite", f"#{spare.pk}"),
        ("ann", "signup", "open"),
        ("new", "password", ""),
        ("new", "email", ""),
    ]


def test_administrators_read_them_page_by_page():
    ann = factories.caller(factories.ann())
    for number in range(150):
        acts.note(factories.ada(), Act.Kind.KEY, str(number))

    first = ann.get("/v1/acts").json()
    second = ann.get(f"/v1/acts?before={first['data'][-1]['id']}").json()

    # With the key that Ann asks with there are 151, a hundred a page.
    assert [len(first["data"]), first["has_more"]] == [100, True]
    assert [len(second["data"]), second["has_more"]] == [51, False]
    assert first["data"][0]["subject"] == "149"
