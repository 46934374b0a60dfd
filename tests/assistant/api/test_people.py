"""The People page's requests, and the ones that its links lead to, over HTTP."""

import pytest

from assistant.models import ResetLink, Role, User
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def ann():
    return factories.caller(factories.ann())


def test_an_invitation_from_its_making_to_the_account(ann, client):
    body = {"role": "researcher", "note": "Rho", "days": 3}
    path = ann.post("/v1/invitations", body, content_type=JSON).json()["path"]
    token = path.removeprefix("/invite/")

    looked = client.post("/v1/invitations/look", {"token": token}, content_type=JSON).json()
    account = {"name": "rho", "password": PASSWORD, "invitation": token}
    me = client.post("/v1/accounts", account, content_type=JSON).json()

    assert looked["role"] == me["role"] == Role.RESEARCHER
    (listed,) = ann.get("/v1/invitations").json()["data"]
    assert (listed["note"], listed["made_by"], listed["used_by"]) == ("Rho", "ann", "rho")
    again = client.post("/v1/invitations/look", {"token": token}, content_type=JSON)
    assert (again.status_code, again.json()["error"]["code"]) == (410, "invitation_invalid")


def test_an_invitation_is_listed_until_it_is_taken_back(ann):
    ann.post("/v1/invitations", {}, content_type=JSON)
    (listed,) = ann.get("/v1/invitations").json()["data"]

    assert ann.delete(f"/v1/invitations/{listed['id']}").status_code == 204

    assert ann.get("/v1/invitations").json()["data"] == []


def test_a_reset_link_from_its_making_to_the_password(ann, client):
    ada = factories.ada()
    path = ann.post(f"/v1/people/{ada.pk}/reset-link", {}, content_type=JSON).json()["path"]
    body = {"token": path.removeprefix("/reset/"), "password": "another walk by the river"}

    first = client.post("/v1/password-resets/redeem", body, content_type=JSON)
    second = client.post("/v1/password-resets/redeem", body, content_type=JSON)

    assert first.status_code == 204
    assert (second.status_code, second.json()["error"]["code"]) == (410, "reset_link_invalid")
    assert body["token"] not in str(ResetLink.objects.values().get())
    assert client.get("/v1/session").status_code == 401


def test_the_last_administrator_is_told_so(ann):
    me = factories.ann()

    answer = ann.patch(f"/v1/people/{me.pk}", {"role": "member"}, content_type=JSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_administrator")


def test_a_role_that_is_taken_away_is_gone_with_the_next_request(ann):
    rae = factories.rae()
    browser = factories.caller(rae)
    assert browser.get("/v1/learning/alarms").status_code == 200

    ann.patch(f"/v1/people/{rae.pk}", {"role": "member"}, content_type=JSON)

    assert browser.get("/v1/learning/alarms").status_code == 403


def test_the_list_goes_on_where_it_stopped(ann, monkeypatch):
    monkeypatch.setattr("assistant.api.people.MOST", 2)
    for name in ("ada", "ben", "cy"):
        factories.person(name)

    first = ann.get("/v1/people").json()
    rest = ann.get(f"/v1/people?after={first['data'][-1]['name']}").json()

    assert [person["name"] for person in first["data"]] == ["ada", "ann"]
    assert first["has_more"]
    assert [person["name"] for person in rest["data"]] == ["ben", "cy"]
    assert not rest["has_more"]


@pytest.mark.django_db(transaction=True)
def test_who_may_make_an_account_is_told_by_the_page(ann, client, settings, tmp_path):
    settings.FRONTEND_DIST = tmp_path
    names = {"signup": "closed", "oidc": "", "mail": "no"}
    metas = [f'<meta name="danas-{name}" content="{text}" />' for name, text in names.items()]
    (tmp_path / "index.html").write_text("\n".join(metas))
    settings.OIDC_NAME = 'The "office" <b>'

    before = client.get("/signin").content.decode()
    ann.patch("/v1/installation", {"signup": "invitation"}, content_type=JSON)

    assert 'name="danas-signup" content="closed"' in before
    page = client.get("/signin").content.decode()
    assert 'name="danas-signup" content="invitation"' in page
    assert 'name="danas-oidc" content="The &quot;office&quot; &lt;b&gt;"' in page
    assert 'name="danas-mail" content="no"' in page


def test_where_the_environment_decides_the_choice_is_only_shown(ann, settings):
    settings.SIGNUP = "open"

    shown = ann.get("/v1/installation").json()
    refused = ann.patch("/v1/installation", {"signup": "closed"}, content_type=JSON)

    assert shown == {"signup": "open", "signup_is_fixed": True}
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "setting_fixed")
    assert User.objects.count() == 1
