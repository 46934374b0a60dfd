import pytest

from assistant.api import rewards as views
from learning.contracts import RewardEstimate
from learning.errors import RewardUnavailable
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture
def rho():
    return factories.caller(factories.rho())


def test_the_reward_model_is_asked_about_any_answer(rho, monkeypatch):
    asked = []

    def estimate(messages, response, timeout_s):
        asked.append(([(message.role, message.content) for message in messages], response))
        return RewardEstimate(mean=0.5, sd=0.1, version=7)

    monkeypatch.setattr(views.queue, "estimate", estimate)
    body = {"messages": [{"role": "user", "content": "Hello"}], "response": "Hi."}
    reward = rho.post("/v1/rewards", body, content_type=JSON).json()

    assert reward == {"mean": 0.5, "sd": 0.1, "version": 7}
    assert asked == [([("user", "Hello")], "Hi.")]


def test_a_silent_reward_worker_is_a_503(rho, monkeypatch):
    def estimate(*_):
        raise RewardUnavailable("The reward worker did not answer in time.")

    monkeypatch.setattr(views.queue, "estimate", estimate)
    body = {"messages": [{"role": "user", "content": "Hello"}], "response": "Hi."}
    response = rho.post("/v1/rewards", body, content_type=JSON)

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "reward_unavailable"
