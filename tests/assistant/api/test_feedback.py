from uuid import uuid4

import pytest

from assistant.api import feedback as views
from assistant.models import Feedback
from learning.models import Judgement
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """The reward worker answers at once, with version 3; what it was asked for."""
    asked = []
    monkeypatch.setattr(
        views.queue, "reward_version_of", lambda feedback, timeout_s: asked.append(feedback) or 3
    )
    return asked


@pytest.fixture
def ada():
    return factories.caller(factories.ada())


def test_feedback_is_answered_with_the_reward_version(ada, asked):
    answer = factories.served(factories.ada())

    receipt = ada.post("/v1/feedback", {"message": answer.pk, "kind": "up"}, content_type=JSON)

    feedback = Feedback.objects.get()
    assert receipt.status_code == 200
    assert receipt.json() == {"id": str(feedback.pk), "reward_version": 3}
    assert asked == [feedback.pk]
    assert feedback.reward_version == 3


def test_a_slow_reward_worker_makes_the_version_null_and_loses_nothing(ada, monkeypatch):
    monkeypatch.setattr(views.queue, "reward_version_of", lambda feedback, timeout_s: None)
    answer = factories.served(factories.ada())

    receipt = ada.post("/v1/feedback", {"message": answer.pk, "kind": "up"}, content_type=JSON)

    assert receipt.json()["reward_version"] is None
    assert Feedback.objects.count() == Judgement.objects.count() == 1


def test_without_consent_nobody_waits_for_the_reward_worker(asked):
    cy = factories.cy(training=False)
    answer = factories.served(cy)

    body = {"message": answer.pk, "kind": "down"}
    receipt = factories.caller(cy).post("/v1/feedback", body, content_type=JSON)

    assert receipt.json()["reward_version"] is None
    assert asked == []
    assert Feedback.objects.count() == 1


def test_an_idempotency_key_makes_a_retry_safe(ada):
    answer = factories.served(factories.ada())
    body = {"message": answer.pk, "kind": "comment", "text": "Too long."}
    headers = {"Idempotency-Key": "retry-1"}

    first = ada.post("/v1/feedback", body, content_type=JSON, headers=headers).json()
    second = ada.post("/v1/feedback", body, content_type=JSON, headers=headers).json()
    other = ada.post(
        "/v1/feedback", {**body, "text": "Too loud."}, content_type=JSON, headers=headers
    )

    assert first == second
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "identifier_taken"
    assert Feedback.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"kind": "meh"}, "kind"),
        ({"message": "not-an-id"}, "message"),
        ({"text": 7}, "text"),
        ({"tags": ["a" * 41]}, "tags[0]"),
        ({"tags": ["a"] * 21}, "tags"),
        ({"over": ""}, "over"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(ada, wrong, param):
    answer = factories.served(factories.ada())

    body = {"message": str(answer.pk), "kind": "up", **wrong}
    response = ada.post("/v1/feedback", body, content_type=JSON)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("key", ["k" * 201, "ключ"])
def test_an_idempotency_key_that_cannot_be_one_is_a_400(ada, key):
    body = {"message": uuid4(), "kind": "up"}
    response = ada.post("/v1/feedback", body, content_type=JSON, headers={"Idempotency-Key": key})

    assert response.status_code == 400


def test_feedback_on_someone_elses_answer_is_a_404(asked):
    answer = factories.served(factories.ada())

    body = {"message": answer.pk, "kind": "up"}
    response = factories.caller(factories.cy()).post("/v1/feedback", body, content_type=JSON)

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_served"
    assert asked == []


def test_feedback_is_taken_back(ada):
    answer = factories.served(factories.ada())
    body = {"message": answer.pk, "kind": "up"}
    feedback = ada.post("/v1/feedback", body, content_type=JSON).json()["id"]

    response = ada.delete(f"/v1/feedback/{feedback}")

    assert response.status_code == 204
    assert Feedback.objects.get().revoked_at is not None
    assert factories.caller(factories.cy()).delete(f"/v1/feedback/{feedback}").status_code == 404
