import pytest
from asgiref.sync import sync_to_async

from assistant.api import policies as views
from assistant.feedback import experiences
from assistant.models import Scope
from inference import registry
from inference.errors import EngineUnavailable
from inference.models import Activation, PolicyVersion
from learning import ledger
from learning.ledger import Kind
from learning.models import Judgement, Update, UpdateJudgement
from tests import factories

pytestmark = pytest.mark.django_db


class Engines:
    """Stands in for the client: records what it was asked to load."""

    def __init__(self, failure=None):
        self.loaded, self.failure = [], failure

    def __call__(self, addresses, key):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def load(self, policy):
        if self.failure:
            raise self.failure
        live = await sync_to_async(registry.live)()
        self.loaded.append((policy.name, live.name))


@pytest.fixture
def engines(monkeypatch):
    engines = Engines()
    monkeypatch.setattr(views, "EngineClient", engines)
    return engines


@pytest.fixture
def rho():
    return factories.caller(factories.rho())


def version(digest="ab" * 32):
    return registry.accept(registry.stage("/adapters/x", digest, registry.base(), {}))


def test_models_are_the_live_one_the_base_and_ready_versions():
    ready = version()
    registry.stage("/adapters/y", "cd" * 32, registry.base(), {})
    ada = factories.caller(factories.ada())

    models = ada.get("/v1/models").json()

    assert models["object"] == "list"
    assert [model["id"] for model in models["data"]] == ["danas", ready.name, "base"]
    assert ada.get(f"/v1/models/{ready.name}").json() == models["data"][1]


def test_an_unknown_model_is_a_404():
    response = factories.caller(factories.ada()).get("/v1/models/gpt-9")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_model"


def test_a_version_is_loaded_before_it_is_live(rho, engines):
    newer = version()

    answer = rho.post(f"/v1/policies/{newer.name}/activate").json()

    assert engines.loaded == [(newer.name, "base")]
    assert (answer["name"], answer["live"], answer["parent"]) == (newer.name, True, "base")
    assert rho.get("/v1/policies").json()["live"] == newer.name
    assert Activation.objects.get().by == "rho"


def test_going_back_is_one_request(rho, engines):
    registry.activate(version().name, by="schedule")

    rho.post("/v1/policies/base/activate")

    assert registry.live().name == "base"


def test_a_version_that_no_engine_can_load_does_not_go_live(rho, engines):
    newer = version()
    engines.failure = EngineUnavailable("No engine answers.")

    response = rho.post(f"/v1/policies/{newer.name}/activate")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "engine_unavailable"
    assert "Retry-After" in response.headers
    assert registry.live().name == "base"


@pytest.mark.parametrize("name", ["danas-v9-00000000", "a%00b", "%F0%9F%90%91"])
def test_activating_an_unknown_version_is_a_404(rho, engines, name):
    assert rho.post(f"/v1/policies/{name}/activate").status_code == 404


def test_a_version_that_did_not_pass_its_gates_cannot_be_activated(rho, engines):
    staged = registry.stage("/adapters/y", "cd" * 32, registry.base(), {})

    response = rho.post(f"/v1/policies/{staged.name}/activate")

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "policy_not_servable"
    assert not engines.loaded


def trained(version, *people, reward_version=12):
    """An update that made `version` from one thumb of each of these people."""
    update = Update.objects.create(
        requested_by="rho", state="live", policy=version.name, reward_version=reward_version
    )
    for person in people:
        feedback = factories.feedback(factories.served(person))
        experiences.judge(feedback)
        judgement = Judgement.objects.get(feedback=feedback.pk)
        UpdateJudgement.objects.create(update=update, judgement=judgement)
    return update


def test_a_version_shows_what_it_was_made_of(rho):
    made = version()
    update = trained(made, factories.ada(), factories.ben())
    ledger.record(Kind.TRAINED, made.name, {"judgements": 3})

    shown = rho.get(f"/v1/policies/{made.name}").json()

    assert (shown["name"], shown["parent"], shown["live"]) == (made.name, "base", False)
    assert shown["update"]["id"] == str(update.pk)
    assert shown["update"]["judgements"] == 2
    assert shown["reward_version"] == 12
    assert (shown["trained_on"], shown["gone"], shown["digest_holds"]) == (3, 1, None)
    assert [entry["kind"] for entry in shown["entries"]] == ["trained"]


def test_only_those_who_drive_learning_see_which_feedback_of_others_is_in_a_version(rho):
    made = version()
    trained(made, factories.ada(), factories.ben())

    def seen(client):
        shown = client.get(f"/v1/policies/{made.name}").json()
        return shown["trained_on"], [each["is_mine"] for each in shown["judgements"]]

    assert seen(factories.caller(factories.ada())) == (2, [True])
    assert seen(factories.caller(factories.cy())) == (2, [])
    assert seen(rho) == (2, [False, False])
    narrowed = factories.caller(factories.ann(), Scope.CHAT)
    assert seen(narrowed) == (2, [])


def test_the_base_can_be_looked_at_too(rho):
    shown = rho.get("/v1/policies/base").json()

    assert (shown["number"], shown["update"], shown["judgements"]) == (0, None, [])


def test_an_unknown_version_is_a_404(rho):
    response = rho.get("/v1/policies/danas-v9-00000000")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_model"


def test_somebody_elses_own_adapter_is_not_shown(rho):
    personal = version()
    PolicyVersion.objects.filter(pk=personal.pk).update(person=factories.ada().pk)

    def seen(client):
        listed = [each["name"] for each in client.get("/v1/policies").json()["data"]]
        return personal.name in listed, client.get(f"/v1/policies/{personal.name}").status_code

    assert seen(factories.caller(factories.ada())) == (True, 200)
    assert seen(factories.caller(factories.ben())) == (False, 404)
    assert seen(rho) == (True, 200)
    models = factories.caller(factories.ben()).get("/v1/models").json()["data"]
    assert personal.name not in [model["id"] for model in models]
