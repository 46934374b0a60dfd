"""Invitations and sign-up modes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.accounts import invitations, roles, signup
from assistant.errors import (
    InvitationInvalid,
    NameTaken,
    NotFound,
    SettingFixed,
    SignupClosed,
)
from assistant.models import Invitation, Role, SignUp, User
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def invite(**values):
    wanted = {"role": Role.REVIEWER, "note": "for Rae", "days": 7, **values}
    return invitations.make(factories.ann(), **wanted)


def join(token, name="rae"):
    return signup.sign_up(name, PASSWORD, training=True, research=None, invitation=token)


def test_an_invitation_makes_one_account_with_its_role_though_sign_up_is_closed():
    made, token = invite()

    rae = join(token)

    assert (rae.role, rae.training_consent) == (Role.REVIEWER, True)
    made.refresh_from_db()
    assert made.used_by == rae


def test_an_invitation_is_used_once():
    _, token = invite()
    join(token)

    with pytest.raises(InvitationInvalid, match="used already"):
        join(token, "cy")

    assert not User.objects.filter(username="cy").exists()


def test_an_invitation_expires():
    made, token = invite()
    Invitation.objects.filter(pk=made.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(InvitationInvalid, match="expired"):
        join(token)


def test_an_invitation_can_be_taken_back_once():
    made, token = invite()

    invitations.revoke(factories.ann(), made.pk)

    with pytest.raises(InvitationInvalid, match="taken back"):
        join(token)
    with pytest.raises(NotFound):
        invitations.revoke(factories.ann(), made.pk)


@pytest.mark.parametrize("token", ["guess", "\udc80"])
def test_a_made_up_invitation_is_none(token):
    with pytest.raises(InvitationInvalid, match="does not exist"):
        join(token)


def test_a_sign_up_that_fails_leaves_the_invitation_as_it_was():
    _, token = invite()
    factories.ada()

    with pytest.raises(NameTaken):
        join(token, "ada")

    assert join(token).username == "rae"


def test_the_token_itself_is_stored_nowhere():
    _, token = invite()

    assert token not in str(Invitation.objects.values().get())


@pytest.mark.parametrize(
    ("mode", "sentence"), [("closed", "Ask the owner"), ("invitation", "need an invitation")]
)
def test_without_an_invitation_only_an_open_installation_takes_people(settings, mode, sentence):
    settings.SIGNUP = mode

    with pytest.raises(SignupClosed, match=sentence):
        signup.sign_up("cy", PASSWORD, training=None, research=None)

    settings.SIGNUP = "open"
    assert signup.sign_up("cy", PASSWORD, training=None, research=None).role == Role.MEMBER


def test_administrators_choose_the_mode_unless_the_environment_does(settings):
    assert signup.mode() is SignUp.CLOSED

    signup.choose(factories.ann(), SignUp.INVITATION)
    assert signup.mode() is SignUp.INVITATION

    settings.SIGNUP = "open"
    assert signup.mode() is SignUp.OPEN
    with pytest.raises(SettingFixed):
        signup.choose(factories.ann(), SignUp.CLOSED)


@pytest.mark.parametrize("change", [{"role": Role.MEMBER}, {"is_active": False}])
def test_an_invitation_ends_with_the_office_of_who_made_it(change):
    _, token = invite(role=Role.ADMIN)
    roles.change(factories.person("bob", Role.ADMIN), factories.ann().pk, **change)

    with pytest.raises(InvitationInvalid, match="taken back"):
        join(token)

    assert invitations.listed() == []
