from uuid import uuid4

import pytest

from assistant.api import updates as views
from learning.models import Update
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
