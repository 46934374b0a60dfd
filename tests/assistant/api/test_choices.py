"""By whom a person is answered, and the choice to change it."""

import pytest

from inference import registry
from learning import policies
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture
def ada():
    return factories.caller(factories.ada())


def version(digest="ab" * 32, person=None):
    staged = registry.stage("/adapters/x", digest, registry.base(), {}, person)
    return registry.accept(staged)


def choose(client, choice):
    return client.put("/v1/me/policy", {"choice": choice}, content_type=JSON)


def test_without_a_choice_the_live_version_answers(ada, settings):
    settings.PERSONAL_EVENTS = 24
    newer = version()
    policies.activate(newer.name, by="schedule")

    assert ada.get("/v1/me/policy").json() == {
        "choice": "live",
        "answers": newer.name,
        "personal": {"policy": None, "judgements": 0, "needed": 24},
        "versions": [newer.name],
    }


def test_staying_at_a_version_outlasts_the_next_update(ada):
    kept, newer = version(), version("cd" * 32)
    policies.activate(kept.name, by="schedule")

    assert choose(ada, kept.name).json()["choice"] == kept.name
    policies.activate(newer.name, by="schedule")

    assert ada.get("/v1/me/policy").json()["answers"] == kept.name
    assert choose(ada, "live").json()["answers"] == newer.name


def test_the_base_may_be_chosen_by_one_person_without_changing_it_for_others(ada):
    newer = version()
    policies.activate(newer.name, by="schedule")

    assert choose(ada, "base").json()["answers"] == "base"
    assert factories.caller(factories.ben()).get("/v1/me/policy").json()["answers"] == newer.name


def test_an_adapter_of_ones_own_can_be_left_and_come_back_to(ada):
    own = version(person=factories.ada().pk)
    registry.give_own(own)

    assert ada.get("/v1/me/policy").json()["choice"] == "personal"
    assert choose(ada, "live").json()["answers"] == "base"
    assert choose(ada, "personal").json()["answers"] == own.name


def test_without_an_adapter_of_ones_own_it_cannot_be_chosen(ada):
    response = choose(ada, "personal")

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "nothing_to_learn_from"
    assert "there are 0 so far" in response.json()["error"]["message"]


def test_somebody_elses_adapter_cannot_be_chosen(ada):
    bens = version(person=factories.ben().pk)

    assert choose(ada, bens.name).status_code == 404
    assert bens.name not in ada.get("/v1/me/policy").json()["versions"]


def test_an_unknown_version_cannot_be_chosen(ada):
    response = choose(ada, "danas-v9-00000000")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_model"
