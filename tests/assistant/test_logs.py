"""Lines that are logged: their shape, and the id of the request in them."""

from __future__ import annotations

import json
import logging

import pytest
from celery import shared_task
from django.test import AsyncClient, Client

from assistant import logs, logs_of_tasks
from assistant.operations import observed
from assistant.operations.tally import Tally

LOGGER = "assistant.somewhere"


def record(event: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(LOGGER, logging.WARNING, __file__, 1, event, values, None)


def test_a_json_line_has_the_time_the_level_and_what_is_bound():
    with logs.bound(request_id="r-1", answer="a-1"):
        line = json.loads(logs.json_lines().format(record("%d tokens", 7)))

    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "7 tokens",
        "level": "warning",
        "logger": LOGGER,
        "request_id": "r-1",
        "answer": "a-1",
    }


def test_a_line_for_people_ends_with_what_is_bound():
    with logs.bound(request_id="r-1"):
        line = logs.Lines().format(record("gone"))

    assert line.endswith("WARNING assistant.somewhere gone [request_id=r-1]")


@pytest.mark.parametrize("given", ["", "two words", "line\nbreak", "x" * 65, "ñ"])
def test_an_id_that_is_none_or_not_clean_is_replaced(given: str):
    made = logs.request_id(given)

    assert made != given
    assert len(made) == 32


def test_an_error_waits_to_be_shown_without_its_traceback():
    logs.Errors.taken()
    logger = logging.Logger(LOGGER)
    logger.addHandler(logs.Errors())
    try:
        raise ValueError("secret")
    except ValueError:
        logger.exception("it failed")

    (entry,) = logs.Errors.taken()

    assert entry["event"] == "it failed"
    assert entry["error"] == "ValueError"
    assert "secret" not in json.dumps(entry)


def test_the_id_of_a_request_comes_back(client: Client):
    answer = client.get("/v1/nothing", headers={"X-Request-Id": "mine-1"})

    assert answer["X-Request-Id"] == "mine-1"


async def test_a_request_without_an_id_gets_one_and_a_change_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="assistant.requests"):
        answer = await AsyncClient().post("/v1/nothing?q=secret+words")

    assert len(answer["X-Request-Id"]) == 32
    assert "POST /v1/nothing 404" in caplog.text
    assert "secret" not in caplog.text


def test_a_task_runs_under_the_id_of_the_request_that_asked_for_it():
    headers: dict[str, str] = {}
    with logs.bound(request_id="r-2"):
        logs_of_tasks._send(headers=headers)

    seen: list[str] = []

    @shared_task
    def work() -> None:
        seen.append(logs.current())

    work.push_request(danas_request_id=headers["danas_request_id"])
    logs_of_tasks._begin(work, "task-1")
    work()
    logs_of_tasks._end(work)

    assert seen == ["r-2"]
    assert logs.current() == ""


def test_methods_that_a_client_makes_up_are_counted_as_one(client: Client, monkeypatch):
    counts = Tally()
    monkeypatch.setattr(observed, "tally", counts)

    for method in ("BREW", "A|B"):
        client.generic(method, "/nowhere")

    assert [key for key in counts._counts if key.startswith("requests|")] == [
        "requests|other|none|404"
    ]


@pytest.mark.django_db
def test_the_token_of_a_link_is_not_logged(client: Client, caplog, monkeypatch):
    monkeypatch.setattr(observed, "SLOW_S", -1)

    with caplog.at_level(logging.INFO, observed.logger.name):
        client.get("/v1/shared/whoever-has-this-can-read")

    (line,) = [each.getMessage() for each in caplog.records if each.name == observed.logger.name]
    assert line.startswith("GET /v1/shared/<token> 404")
