import logging
import re
from pathlib import Path

import pytest
from django.db import OperationalError

from assistant.api import errors
from assistant.errors import AssistantError
from inference.errors import InferenceError
from learning.errors import LearningError
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"
DEEP = "[" * 100_000 + "]" * 100_000
KEYS = {"message", "type", "param", "code"}


def error_of(response):
    error = response.json()["error"]
    assert set(error) == KEYS
    return error


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/v1/nothing/here", 404, "unknown_address"),
        ("get", "/v1/", 404, "unknown_address"),
        ("post", "/v1/nothing", 404, "unknown_address"),
        ("get", "/v1/conversations/not-a-uuid", 404, "unknown_address"),
        ("get", "/v1/chat/completions", 405, "method_not_allowed"),
        ("put", "/v1/models", 405, "method_not_allowed"),
        ("get", "/v1/models", 401, "not_signed_in"),
        ("post", "/v1/chat/completions", 401, "not_signed_in"),
    ],
)
def test_every_refusal_has_openais_shape(client, method, path, status, code):
    response = getattr(client, method)(path)

    assert response.status_code == status
    assert error_of(response)["code"] == code


def test_a_wrong_method_names_the_right_ones(client):
    response = client.get("/v1/chat/completions")

    assert response["Allow"] == "POST"
    assert error_of(response)["message"] == "GET is not possible here; POST is."


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "Bearer danas-x", "x"])
def test_a_key_that_is_none_is_a_401(client, header):
    response = client.get("/v1/models", headers={"Authorization": header})

    assert response.status_code == 401
    assert error_of(response)["type"] == "authentication_error"
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("body", ["{", "", '"', '{"a": ' * 5000, b"\xff\xfe", DEEP])
def test_malformed_json_is_a_400(body):
    ada = factories.caller(factories.ada())

    response = ada.post("/v1/feedback", body, content_type=JSON)

    assert response.status_code == 400
    assert error_of(response)["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "7"])
def test_a_body_that_is_no_object_is_a_400(body):
    ada = factories.caller(factories.ada())

    response = ada.post("/v1/feedback", body, content_type=JSON)

    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid"


def test_a_wrong_field_is_named_with_what_is_allowed():
    ada = factories.caller(factories.ada())
    body = {"model": "danas", "messages": [{"role": "king", "content": "Hi"}], "temperature": 9}

    error = error_of(ada.post("/v1/chat/completions", body, content_type=JSON))

    assert error["param"] == "messages[0].role"
    assert "'system', 'developer', 'user', 'assistant' or 'tool'" in error["message"]
    assert "temperature: Input should be less than or equal to 2" in error["message"]


def test_a_body_over_the_limit_is_a_413(settings):
    settings.MESSAGE_BYTES = 100
    ada = factories.caller(factories.ada())

    response = ada.post("/v1/feedback", '{"text": "%s"}' % ("a" * 800), content_type=JSON)

    assert response.status_code == 413
    assert "at most 800 are taken" in error_of(response)["message"]


def test_a_fault_of_ours_is_a_500_with_an_id_that_the_log_has(monkeypatch, caplog):
    ada = factories.caller(factories.ada())
    monkeypatch.setattr("assistant.api.models.routing.usable", lambda person: 1 / 0)

    with caplog.at_level(logging.ERROR):
        response = ada.get("/v1/models")

    assert response.status_code == 500
    assert response["X-Request-Id"] in error_of(response)["message"]
    assert response["X-Request-Id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in response.content.decode()


def test_a_database_that_is_gone_is_a_503_that_invites_a_retry(monkeypatch):
    ada = factories.caller(factories.ada())

    def gone(person):
        raise OperationalError("connection refused")

    monkeypatch.setattr("assistant.api.models.routing.usable", gone)
    response = ada.get("/v1/models")

    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert error_of(response)["code"] == "database_unavailable"


# What never leaves its own worker needs no status.
INSIDE = {
    "checkpoint_invalid",
    "lonely_sample",
    "lease_lost",
    "training_diverged",
    "nobody_reads",
    "pictures_missing",
}


@pytest.mark.parametrize("root", [AssistantError, InferenceError, LearningError])
def test_every_error_that_can_reach_the_api_has_a_status(root):
    missing = {kind.code for kind in root.__subclasses__() if kind not in errors.STATUS}

    assert missing <= INSIDE


def test_the_openapi_document_is_served_and_names_every_path(client):
    document = client.get("/v1/openapi.json").json()

    assert set(document["paths"]) >= {
        "/v1/chat/completions",
        "/v1/models",
        "/v1/feedback",
        "/v1/rewards",
        "/v1/updates",
        "/v1/updates/{pk}",
        "/v1/policies",
        "/v1/policies/{name}/activate",
        "/v1/trajectories",
        "/v1/session",
        "/v1/accounts",
        "/v1/conversations",
        "/v1/conversations/{pk}",
        "/v1/messages/{pk}/window",
    }


def test_the_page_is_told_of_every_code_that_is_written_down():
    sources = Path(errors.__file__).parents[1].rglob("*.py")

    written = {code for path in sources for code in re.findall(r'\bcode="(\w+)"', path.read_text())}

    assert written
    assert written <= set(errors.codes())
