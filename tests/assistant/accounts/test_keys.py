import pytest
from django.utils import timezone

from assistant.accounts import keys
from assistant.errors import NotAllowed, NotSignedIn
from assistant.models import ApiKey, Role, Scope
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_key_without_scopes_reaches_as_far_as_its_owner():
    caller = keys.caller(keys.create(factories.rho()))

    assert caller.person == factories.rho()
    assert caller.scopes == {Scope.CHAT, Scope.FEEDBACK, Scope.RESEARCH, Scope.LEARNING}
    assert caller.is_unrestricted


def test_a_key_with_scopes_reaches_no_further():
    caller = keys.caller(keys.create(factories.ann(), [Scope.CHAT]))

    with pytest.raises(NotAllowed, match="key does not have the scope 'learning'"):
        caller.needs(Scope.LEARNING)

    assert not caller.is_unrestricted


def test_a_scope_beyond_the_role_is_refused_when_the_key_is_made():
    with pytest.raises(NotAllowed, match="role 'member' does not have the scope 'research'"):
        keys.create(factories.ada(), [Scope.RESEARCH])

    assert not ApiKey.objects.exists()


def test_a_key_shrinks_with_its_owners_role():
    rho = factories.rho()
    key = keys.create(rho, [Scope.CHAT, Scope.RESEARCH])

    rho.role = Role.MEMBER
    rho.save()

    assert keys.caller(key).scopes == {Scope.CHAT}


def test_a_key_that_lost_all_its_scopes_reaches_nothing():
    rho = factories.rho()
    key = keys.create(rho, [Scope.RESEARCH])

    rho.role = Role.MEMBER
    rho.save()

    assert keys.caller(key).scopes == frozenset()


def test_the_key_itself_is_stored_nowhere():
    key = keys.create(factories.ada())

    row = ApiKey.objects.values().get()
    assert key not in str(row)
    assert key.startswith(row["prefix"])


@pytest.mark.parametrize("key", ["", "danas-unknown", "\udc80"])
def test_an_unknown_key_opens_nothing(key):
    with pytest.raises(NotSignedIn):
        keys.caller(key)


def test_a_revoked_key_opens_nothing():
    key = keys.create(factories.ada())

    ApiKey.objects.update(revoked_at=timezone.now())

    with pytest.raises(NotSignedIn):
        keys.caller(key)


def test_the_key_of_a_closed_account_opens_nothing():
    ada = factories.ada()
    key = keys.create(ada)

    ada.is_active = False
    ada.save()

    with pytest.raises(NotSignedIn):
        keys.caller(key)
