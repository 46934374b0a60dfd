import pytest
from django.core.management import CommandError, call_command

from assistant.accounts import keys
from assistant.models import ApiKey, Role, Scope, User
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def test_createuser_makes_a_member_who_trains_but_is_not_researched():
    call_command("createuser", "ada", "--password", PASSWORD, stdout=None)

    ada = User.objects.get(username="ada")
    assert ada.role == Role.MEMBER
    assert (ada.training_consent, ada.research_consent) == (True, False)
    assert ada.check_password(PASSWORD)


def test_createuser_takes_role_and_consent():
    switches = ["--role", "researcher", "--training", "off", "--research", "on"]
    call_command("createuser", "rho", "--password", PASSWORD, *switches)

    rho = User.objects.get(username="rho")
    assert rho.role == Role.RESEARCHER
    assert (rho.training_consent, rho.research_consent) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ada", "--password", PASSWORD], "already an account named 'ada'"),
        (["cy", "--password", "123"], "too short"),
        (["not a name", "--password", PASSWORD], "valid username"),
        (["cy", "--password", PASSWORD, "--role", "king"], "invalid choice: 'king'"),
        (["cy", "--password", PASSWORD, "--training", "maybe"], "invalid choice: 'maybe'"),
        (["cy"], "--password"),
    ],
)
def test_createuser_says_what_is_wrong_and_changes_nothing(arguments, complaint):
    factories.ada()

    with pytest.raises(CommandError, match=complaint):
        call_command("createuser", *arguments)

    assert [person.username for person in User.objects.all()] == ["ada"]


def test_createkey_prints_a_working_key_and_nothing_else(capsys):
    factories.ada()

    call_command("createkey", "ada")

    out, err = capsys.readouterr()
    assert keys.caller(out.removesuffix("\n")).person == factories.ada()
    assert err == ""


@pytest.mark.parametrize(
    "arguments", [["--scope", "chat", "feedback"], ["--scope", "chat", "--scope", "feedback"]]
)
def test_createkey_takes_one_scope_or_several(arguments, capsys):
    factories.ann()

    call_command("createkey", "ann", *arguments)

    assert keys.caller(capsys.readouterr().out.strip()).scopes == {Scope.CHAT, Scope.FEEDBACK}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["cy"], "no account named 'cy'"),
        (["ada", "--scope", "research"], "does not have the scope 'research'"),
        (["ada", "--scope", "fly"], "invalid choice: 'fly'"),
    ],
)
def test_createkey_says_what_is_wrong_and_makes_no_key(arguments, complaint):
    factories.ada()

    with pytest.raises(CommandError, match=complaint):
        call_command("createkey", *arguments)

    assert not ApiKey.objects.exists()
