"""What administrators do, and the first one's first steps."""

import pytest
from django.core.management import call_command

from assistant.accounts import factors, keys, people, roles
from assistant.errors import LastAdministrator, NotSignedIn
from assistant.models import Role, User
from assistant.processes.run import make_administrator
from tests import factories
from tests.assistant.accounts.test_factors import turned_on
from tests.assistant.accounts.test_sessions import signed_in

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.mark.parametrize("change", [{"role": Role.MEMBER}, {"is_active": False}])
def test_the_last_administrator_stays_one(change):
    ann = factories.ann()

    with pytest.raises(LastAdministrator):
        roles.change(ann, ann.pk, **change)

    ann.refresh_from_db()
    assert (ann.role, ann.is_active) == (Role.ADMIN, True)


def test_a_closed_administrator_does_not_count():
    ann, other = factories.ann(), factories.person("other", Role.ADMIN)
    roles.change(ann, other.pk, is_active=False)

    with pytest.raises(LastAdministrator):
        roles.change(ann, ann.pk, role=Role.MEMBER)

    roles.change(ann, other.pk, is_active=True)
    assert roles.change(ann, ann.pk, role=Role.MEMBER).role == Role.MEMBER


def test_a_closed_account_opens_nothing_until_it_is_opened_again(client):
    ada = factories.ada()
    browser, key = signed_in(ada), keys.create(ada)

    roles.change(factories.ann(), ada.pk, is_active=False)

    assert browser.get("/v1/session").status_code == 401
    with pytest.raises(NotSignedIn):
        keys.caller(key)
    roles.change(factories.ann(), ada.pk, is_active=True)
    assert keys.caller(key).person == ada


def test_people_are_found_by_part_of_their_name():
    for name in ("ada", "adam", "ben"):
        factories.person(name)
    ann = factories.caller(factories.ann())

    found = ann.get("/v1/people?search=ADA").json()

    assert [person["name"] for person in found["data"]] == ["ada", "adam"]
    assert not found["has_more"]


def test_a_lost_second_factor_is_taken_off_by_an_administrator():
    ada = factories.ada()
    turned_on(ada)
    ann = factories.caller(factories.ann())

    body = {"second_factor": False}
    person = ann.patch(f"/v1/people/{ada.pk}", body, content_type=JSON).json()

    assert person["second_factor"] is False
    assert not factors.is_on(ada)


def test_the_first_administrator_is_led_through_a_set_up(monkeypatch):
    said = []
    monkeypatch.setattr("assistant.processes.run.connection.close", lambda: None)
    make_administrator(said.append)
    admin = User.objects.get()
    browser = signed_in(admin)
    before = browser.get("/v1/session").json()

    body = {"name": "grace", "password": "harbours and moths", "signup": "invitation"}
    after = browser.post("/v1/setup", body, content_type=JSON).json()

    assert said[0].startswith("Sign in as admin with the password ")
    assert (before["name"], before["must_set_up"]) == ("admin", True)
    assert (after["name"], after["must_set_up"], after["signup"]) == ("grace", False, "invitation")
    assert browser.get("/v1/session").json() == after
    assert people.recognise("grace", "harbours and moths") == admin
    make_administrator(said.append)
    assert len(said) == 1


def test_a_set_up_that_cannot_be_changes_nothing(monkeypatch):
    factories.ada()
    admin = people.create("admin", factories.PASSWORD, role=Role.ADMIN, must_set_up=True)
    browser = signed_in(admin)

    for name, password, code in [
        ("ada", "harbours and moths", "name_taken"),
        ("a b", "harbours and moths", "name_invalid"),
        ("grace", "short", "password_weak"),
    ]:
        body = {"name": name, "password": password, "signup": "open"}
        answer = browser.post("/v1/setup", body, content_type=JSON)
        assert answer.json()["error"]["code"] == code

    me = browser.get("/v1/session").json()
    assert (me["name"], me["must_set_up"], me["signup"]) == ("admin", True, "closed")


def test_only_an_account_that_the_installation_made_is_set_up():
    call_command("createuser", "ann", "--password", factories.PASSWORD, "--role", "admin")
    browser = signed_in(User.objects.get())

    body = {"name": "ann2", "password": "harbours and moths"}
    answer = browser.post("/v1/setup", body, content_type=JSON)

    assert answer.status_code == 403
