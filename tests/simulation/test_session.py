"""Sessions against a small server that answers like Danas, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.simulation import prompts
from tests.simulation.client import Danas, Refused
from tests.simulation.journal import Journal
from tests.simulation.people import Kind, Reaction
from tests.simulation.rising import rising
from tests.simulation.session import Opened, Plan, Session

LONG = "That is a thing of which one could speak for a long time. " * 3
PLAN = Plan(events=6, updates_every=3, people=2, held_out=4)


class Script:
    """What the server was asked, and what it says: an update makes answers short."""

    def __init__(self, signup: str = "open") -> None:
        self.signup, self.live = signup, "base"
        self.asked: list[tuple[str, str, str]] = []
        self.judged: list[tuple[str, dict]] = []
        self.training: dict[str, bool] = {}
        self.busy = 0
        self._ids = count()

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/v1/session", self.me),
                web.post("/v1/session", self.sign_in),
                web.post("/v1/accounts", self.sign_up),
                web.post("/v1/chat/completions", self.complete),
                web.post("/v1/feedback", self.feedback),
                web.post("/v1/updates", self.update),
                web.get("/v1/updates/{id}", self.update),
                web.get("/v1/policies", self.policies),
                web.get("/v1/learning/metrics", self.metrics),
            ]
        )
        return app

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response({"signup": self.signup})

    async def sign_up(self, request: web.Request) -> web.Response:
        account = await request.json()
        if account["name"] in self.training:
            return web.json_response({"error": {"code": "name_taken"}}, status=409)
        self.training[account["name"]] = account["training"]
        return self._signed_in(account["name"])

    async def sign_in(self, request: web.Request) -> web.Response:
        return self._signed_in((await request.json())["name"])

    def _signed_in(self, name: str) -> web.Response:
        response = web.json_response({})
        response.set_cookie("csrftoken", f"token of {name}")
        return response

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.busy:
            self.busy -= 1
            return web.json_response({}, status=503, headers={"Retry-After": "0"})
        model = self.live if body["model"] == "danas" else body["model"]
        question = body["messages"][0]["content"]
        self.asked.append((_who(request), model, question))
        text = LONG if model == "base" else "It is short."
        return web.json_response(
            {
                "id": f"m{next(self._ids)}",
                "model": model,
                "choices": [{"message": {"content": text}}],
            }
        )

    async def feedback(self, request: web.Request) -> web.Response:
        self.judged.append((_who(request), await request.json()))
        return web.json_response({"id": "f", "reward_version": len(self.judged)})

    async def update(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            body = {"id": "u", "state": "training", "metrics": []}
            return web.json_response(body)
        self.live = "danas-v1"
        return web.json_response(
            {
                "id": "u",
                "state": "live",
                "reason": "It passed.",
                "policy": "danas-v1",
                "judgements": len(self.judged),
                "metrics": [{"reward": 0.5}],
                "gates": [{"name": "finite weights", "passed": True, "sentence": "Fine."}],
            }
        )

    async def policies(self, request: web.Request) -> web.Response:
        return web.json_response({"live": self.live, "data": []})

    async def metrics(self, request: web.Request) -> web.Response:
        return web.json_response({"points": [{"auc": 0.75, "held_out_auc": None}]})


def _who(request: web.Request) -> str:
    if request.headers.get("Authorization"):
        return "key"
    return request.headers["X-CSRFToken"].removeprefix("token of ")


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    async with TestServer(script.app()) as server:
        yield str(server.make_url("/"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("tests.simulation.client.POLL_S", 0.0)


async def risen(script: Script, journal: Journal):
    async with serving(script) as url, Opened(url, "secret", PLAN.people) as accounts:
        return await rising(Session(PLAN, accounts, journal))


async def test_what_people_want_is_seen_to_rise():
    script = Script()

    rows, measured = await risen(script, Journal(None))

    assert [row["events"] for row in rows] == [0, 3, 6]
    assert [each.share for each in measured] == [0.0, 1.0, 1.0]
    assert rows[1]["over base"] == "+1.000 [+1.000, +1.000]"
    assert len(script.judged) == 6


async def test_held_out_questions_are_asked_by_somebody_who_trains_nothing():
    script = Script()

    await risen(script, Journal(None))

    held_out = set(prompts.held_out(0, 4))
    assert {who for who, _, question in script.asked if question in held_out} == {"crew-observer"}
    assert script.training == {"crew-0": True, "crew-1": True, "crew-observer": False}
    assert {who for who, _ in script.judged} <= {"crew-0", "crew-1"}


async def test_where_nobody_can_sign_up_all_speak_through_the_key():
    script = Script(signup="closed")

    await risen(script, Journal(None))

    assert {who for who, _, _ in script.asked} == {"key"}


async def test_an_interrupted_session_goes_on_where_it_was(tmp_path):
    path = tmp_path / "run.jsonl"
    first, second = Script(), Script()
    rows, _ = await risen(first, Journal(path))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))

    again, _ = await risen(second, Journal(path))

    assert again == rows
    assert second.judged == []
    # Only the last measurement is missing.
    assert len(second.asked) == PLAN.held_out


async def test_an_account_that_is_there_is_come_back_to():
    script = Script()
    script.training["crew-0"] = True
    async with serving(script) as url, Opened(url, "secret", 1) as accounts:
        await accounts.voices[0].give(Reaction("m1", Kind.UP))

    assert script.judged == [("crew-0", {"message": "m1", "kind": "up"})]


async def test_a_busy_danas_is_asked_again():
    script = Script()
    script.busy = 2
    async with serving(script) as url, Danas(url, "secret") as danas:
        answer = await danas.answer("What is rain?")

    assert answer.text == LONG


async def test_a_refusal_has_its_status_and_code():
    script = Script()
    script.training["ada"] = True
    async with serving(script) as url, Danas(url) as danas:
        with pytest.raises(Refused, match="409 name_taken") as refused:
            await danas.call("POST", "/v1/accounts", {"name": "ada", "training": True})

    assert refused.value.status == 409
