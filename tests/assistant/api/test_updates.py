from uuid import uuid4

import pytest

from assistant.api import updates as views
from assistant.feedback import experiences
from learning.models import Judgement, Trial, Update
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture
def rho():
    return factories.caller(factories.rho())


@pytest.fixture
def asked_updates(monkeypatch):
    asked = []
    monkeypatch.setattr(views.queue, "ask_update", asked.append)
    return asked


def test_an_update_is_started_and_shown(rho, asked_updates, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = rho.post("/v1/updates", {"canary": True}, content_type=JSON)

    update = response.json()
    assert response.status_code == 202
    assert (update["state"], update["canary"], update["requested_by"]) == ("queued", True, "rho")
    assert asked_updates == [Update.objects.get().pk]
    ada = factories.caller(factories.ada())
    assert ada.get(f"/v1/updates/{update['id']}").json() == update
    assert ada.get("/v1/updates").json() == {"data": [update]}


def test_a_second_update_is_refused_while_one_runs(rho):
    assert rho.post("/v1/updates", content_type=JSON).status_code == 202

    response = rho.post("/v1/updates", content_type=JSON)

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "update_running"
    assert Update.objects.count() == 1


def test_an_unknown_update_is_a_404(rho):
    assert rho.get(f"/v1/updates/{uuid4()}").status_code == 404


def test_an_algorithm_that_there_is_not_is_answered_with_those_that_there_are(rho):
    response = rho.post("/v1/updates", {"algorithm": "dpo"}, content_type=JSON)

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == "algorithm"
    assert "'rloo' or 'kto'" in error["message"]


def test_the_algorithm_that_was_asked_for_is_kept(rho, asked_updates):
    update = rho.post("/v1/updates", {"algorithm": "kto"}, content_type=JSON).json()

    assert (update["algorithm"], update["is_personal"], update["trial"]) == ("kto", False, None)


def test_a_personal_update_cannot_be_tried_on_others(rho):
    response = rho.post("/v1/updates", {"personal": True, "canary": True}, content_type=JSON)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "canary"
    assert not Update.objects.exists()


def test_a_trial_is_part_of_its_update(rho):
    update = Update.objects.create(requested_by="rho", state="canary", canary=True)
    Trial.objects.create(update=update, policy="danas-v2", against="danas-v1", share=5)

    (shown,) = rho.get("/v1/updates").json()["data"]

    trial = shown["trial"]
    assert (trial["state"], trial["share"], trial["against"]) == ("running", 5, "danas-v1")
    assert trial["ended_at"] is None
    assert rho.get(f"/v1/updates/{update.pk}").json() == shown


def test_somebody_elses_personal_update_is_not_shown(rho):
    ada, ben = factories.ada(), factories.ben()
    update = Update.objects.create(requested_by="ada", state="live", person=ada.pk)

    def shown(client):
        listed = len(client.get("/v1/updates").json()["data"])
        return listed, client.get(f"/v1/updates/{update.pk}").status_code

    assert shown(factories.caller(ada)) == (1, 200)
    assert shown(factories.caller(ben)) == (0, 404)
    assert shown(rho) == (1, 200)


def test_a_personal_update_needs_no_more_than_feedback_of_ones_own(asked_updates, settings):
    settings.PERSONAL_EVENTS = 1
    ada = factories.ada()
    experiences.judge(factories.feedback(factories.served(ada)))
    Judgement.objects.update(use="learned", version=1)

    response = factories.caller(ada).post("/v1/updates", {"personal": True}, content_type=JSON)

    assert response.status_code == 202
    assert response.json()["is_personal"] is True
    assert Update.objects.get().person == ada.pk


def test_too_little_feedback_for_a_personal_update_is_a_409_that_says_how_much(settings):
    settings.PERSONAL_EVENTS = 24

    response = factories.caller(factories.ada()).post(
        "/v1/updates", {"personal": True}, content_type=JSON
    )

    assert response.status_code == 409
    says = "An adapter of your own takes 24 judgements; there are 0 so far."
    assert response.json()["error"]["message"] == says
    assert not Update.objects.exists()


def test_whoever_does_not_allow_training_gets_no_personal_update():
    ben = factories.ben(training=False)

    response = factories.caller(ben).post("/v1/updates", {"personal": True}, content_type=JSON)

    assert response.status_code == 409
    assert "You do not allow training" in response.json()["error"]["message"]


def test_an_update_for_everybody_needs_more(asked_updates):
    response = factories.caller(factories.ada()).post("/v1/updates", {}, content_type=JSON)

    assert response.status_code == 403
    assert "learning" in response.json()["error"]["message"]
