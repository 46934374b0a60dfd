import pytest
from django.contrib.auth import authenticate

from assistant.accounts import people
from assistant.errors import NameInvalid, NameTaken, PasswordWeak, SignInFailed
from assistant.feedback import experiences
from assistant.models import Generation, User
from learning.models import Answer
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def test_a_person_signs_in_with_name_and_password():
    people.create("ada", PASSWORD)

    found = people.recognise("ada", PASSWORD)

    assert found.username == "ada"


@pytest.mark.parametrize(("name", "password"), [("ada", "not it"), ("cy", PASSWORD)])
def test_a_wrong_name_or_password_does_not_say_which(name, password):
    factories.ada()

    with pytest.raises(SignInFailed, match="The name or the password is wrong"):
        people.recognise(name, password)


def test_a_new_person_has_not_been_asked_for_consent():
    person = people.create("ada", PASSWORD)

    assert (person.training_consent, person.research_consent) == (None, None)
    assert person.consent_changed_at is None
    assert not person.trains


def test_a_name_is_taken_once():
    factories.ada()

    with pytest.raises(NameTaken, match="'ada'"):
        people.create("ada", "another long password")

    assert authenticate(username="ada", password=PASSWORD) is not None


@pytest.mark.parametrize("name", ["", "two words", "a/b", "a\0da", "a" * 151])
def test_a_name_that_cannot_be_one_is_refused(name):
    with pytest.raises(NameInvalid):
        people.create(name, PASSWORD)

    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["", "short", "password1"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(PasswordWeak):
        people.create("ada", password)

    assert not User.objects.exists()


def test_a_switch_that_is_left_out_stays_as_it_is():
    ada = factories.ada(training=True, research=False)

    people.change_consent(ada, training=None, research=True)

    ada.refresh_from_db()
    assert (ada.training_consent, ada.research_consent) == (True, True)


def test_switching_training_off_deletes_what_learning_holds_of_that_person_only():
    for person in (factories.ada(), factories.ben()):
        experiences.hand_over(Generation.objects.get(pk=factories.served(person).pk))

    people.change_consent(factories.ada(), training=False, research=None)

    assert [answer.person for answer in Answer.objects.all()] == [factories.ben().pk]
