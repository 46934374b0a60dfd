"""Requests that nobody thought of: no operation answers any of them with a fault of ours, and what
it answers has the form that the OpenAPI document says.

The requests are made up from the document by schemathesis, the same ones in every run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests import Request
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from assistant.accounts import keys
from assistant.chat import events
from assistant.chat.events import LogEvent
from assistant.management.commands.exportschema import document
from learning import queue
from learning.contracts import RewardEstimate
from tests import factories
from tests.assistant.api import tenancy

pytestmark = pytest.mark.django_db

EXAMPLES = 10
# There is none in these tests; that it is said, and that a retry may help, is no fault.
ENGINE_AWAY = 503
# Wait for workers or ask an engine, which are not there.
WAITS = {
    "POST /v1/chat/completions",
    "POST /v1/rewards",
    "POST /v1/operations/adapters/{name}/unload",
}
ANSWER = [
    ("start", {"policy": "base"}),
    ("text", {"text": "Good morning."}),
    ("usage", {"prompt_tokens": 3, "completion_tokens": 2}),
    ("done", {"finish_reason": "stop"}),
]
SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
MADE_BY_DJANGO = {"Content-Length", "Content-Type", "Cookie"}
CHECKS = [not_a_server_error, response_schema_conformance]


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ask_catch_up", lambda: None)
    monkeypatch.setattr(queue, "ask_update", lambda *_: None)
    monkeypatch.setattr(queue, "reward_version_of", lambda *_: None)
    monkeypatch.setattr(queue, "estimate", lambda *_: RewardEstimate(0.5, 0.25, 7))
    monkeypatch.setattr(events, "expect", _answered_at_once)


@asynccontextmanager
async def _answered_at_once(answer: UUID) -> AsyncIterator[AsyncIterator[LogEvent]]:
    async def log() -> AsyncIterator[LogEvent]:
        for seq, (kind, data) in enumerate(ANSWER, start=1):
            yield LogEvent(seq, kind, data)

    yield log()


@pytest.fixture
def world() -> tenancy.World:
    return tenancy.world(factories.ann())


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_request_is_answered_with_a_fault_or_in_another_form(label: str, world: tenancy.World):
    operation = OPERATIONS[label]
    ids = next((call.ids for call in tenancy.CALLS if call.operation == label), {})
    real = {
        name: world[value[1:]] if value.startswith("$") else value
        for name, value in ids.items()
        if f"{{{name}}}" in label
    }
    headers = {"Authorization": f"Bearer {keys.create(factories.ann())}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_good_and_bad(operation), is_real=st.booleans())
    def holds(case: schemathesis.Case, is_real: bool) -> None:
        if is_real and real:
            case.path_parameters.update(real)
        response = answer(case, headers)
        if response.status_code == ENGINE_AWAY:
            assert "retry-after" in response.headers
        else:
            case.validate_response(response, checks=CHECKS)

    holds()


def _good_and_bad(operation: Any) -> st.SearchStrategy[schemathesis.Case]:
    """Requests as the document wants them, and where it wants anything, such as break its rules."""
    good = operation.as_strategy()
    if not (operation.body or operation.query or operation.path_parameters):
        return good
    return good | operation.as_strategy(GenerationMode.NEGATIVE)


def answer(case: schemathesis.Case, headers: dict[str, str]) -> schemathesis.Response:
    """What Django's test client gets, in the form that schemathesis reads."""
    asked = Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    sent = {key: value for key, value in asked.headers.items() if key not in MADE_BY_DJANGO}
    response = Client().generic(
        asked.method or "GET",
        asked.path_url,
        asked.body or b"",
        content_type=asked.headers.get("Content-Type", ""),
        headers={**sent, **headers},
    )
    return schemathesis.Response(
        status_code=response.status_code,
        headers={key.lower(): [value] for key, value in response.headers.items()},
        content=response.getvalue() if not response.streaming else b"",
        request=asked,
        elapsed=0.0,
        verify=False,
    )
