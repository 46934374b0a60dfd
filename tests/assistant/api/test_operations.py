"""What administrators see and do, and what Prometheus reads."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client
from prometheus_client.parser import text_string_to_metric_families

from assistant import heartbeat, valkey
from assistant.accounts import keys
from assistant.models import Act, Generation
from assistant.operations.tally import Tally
from inference.models import PolicyVersion
from learning import readiness
from learning.models import Alarm
from tests import factories
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = ["http://127.0.0.1:1"]


def figures(text: str) -> dict[str, float]:
    """Samples by name and labels."""
    return {
        sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize("who", [factories.ada, factories.rae, factories.rho])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/operations"),
        ("get", "/v1/operations/series"),
        ("post", "/v1/operations/learning/pause"),
        ("post", "/v1/operations/learning/resume"),
        ("post", "/v1/operations/adapters/p1/unload"),
        ("post", "/v1/operations/answers/00000000-0000-4000-8000-000000000000/stop"),
    ],
)
def test_operations_are_for_administrators_alone(who, method, path):
    assert getattr(factories.caller(who()), method)(path).status_code == 403
    assert getattr(Client(), method)(path).status_code == 401
    narrowed = factories.caller(factories.ann(), "chat", "learning")
    assert getattr(narrowed, method)(path).status_code == 403


def test_the_overview_shows_what_runs_and_what_does_not(settings):
    settings.ENGINE_URLS = NOWHERE
    valkey.client().hset(heartbeat.PROCESSES, "reward:h:7", _report("reward", at=2e10))
    valkey.client().hset(heartbeat.PROCESSES, "learner:h:8", _report("learner", at=1.0))
    valkey.client().lpush("learner", "a task", "another")

    found = factories.caller(factories.ann()).get("/v1/operations").json()

    assert [each["component"] for each in found["hints"]["processes"] if each["host"] == "h"] == [
        "reward"
    ]
    assert "learner" in found["hints"]["missing"]
    assert found["hints"]["queues"]["learner"] == 2
    assert found["engines"][0]["is_up"] is False
    assert found["learning"]["live"] == "base"
    assert found["storage"]["free_bytes"] > 0


def _report(component: str, at: float) -> str:
    known = {"host": "h", "pid": 7, "since": 1.0, "memory_mb": 50.0, "sockets": 3}
    return json.dumps({"component": component, "at": at, **known})


def test_an_answer_in_the_making_is_shown_without_its_words(settings):
    settings.ENGINE_URLS = NOWHERE
    said = factories.said(factories.conversation(factories.ada(), title="my secret plan"), "secret")
    answer = factories.answer(said, status=Generation.Status.RUNNING)

    reply = factories.caller(factories.ann()).get("/v1/operations")

    assert [each["id"] for each in reply.json()["answers"]] == [str(answer.pk)]
    assert reply.json()["answers"][0]["person"] == "ada"
    assert b"secret" not in reply.content


def test_without_valkey_the_rest_is_still_shown(settings, monkeypatch):
    settings.ENGINE_URLS = NOWHERE
    nowhere = valkey.redis.Redis(unix_socket_path="/nowhere/valkey.sock", retry=None)
    monkeypatch.setattr("assistant.valkey.client", lambda: nowhere)

    reply = factories.caller(factories.ann()).get("/v1/operations")

    assert reply.status_code == 200
    assert reply.json()["hints"] is None
    assert reply.json()["database"]["bytes"] > 0


def test_learning_is_paused_and_resumed_and_both_are_written_down(settings):
    settings.ENGINE_URLS = NOWHERE
    ann = factories.caller(factories.ann())
    ann.post("/v1/operations/learning/pause")
    ann.post("/v1/operations/learning/pause")

    paused = readiness.refusal(by_hand=True)
    ann.post("/v1/operations/learning/resume")

    assert paused == "Training is frozen by an alarm: ann paused learning."
    assert readiness.frozen() == ""
    assert [act.kind for act in Act.objects.exclude(kind="key")] == ["resume", "pause"]


def test_resuming_leaves_what_other_alarms_freeze():
    Alarm.objects.create(kind=Alarm.Kind.DRIFT, sentence="They changed.", freezes_training=True)

    factories.caller(factories.ann()).post("/v1/operations/learning/resume")

    assert "They changed." in readiness.frozen()
    assert not Act.objects.exclude(kind="key").exists()


def test_a_waiting_answer_is_stopped_at_once():
    answer = factories.answer(
        factories.said(factories.conversation(factories.ada())), status=Generation.Status.QUEUED
    )

    reply = factories.caller(factories.ann()).post(f"/v1/operations/answers/{answer.pk}/stop")

    assert reply.status_code == 204
    assert Generation.objects.get(pk=answer.pk).status == Generation.Status.STOPPED
    assert Act.objects.get(kind="stop").subject == str(answer.pk)


def test_a_stuck_answer_is_asked_first_and_ended_the_second_time():
    answer = factories.answer(
        factories.said(factories.conversation(factories.ada())), status=Generation.Status.RUNNING
    )
    path = f"/v1/operations/answers/{answer.pk}/stop"
    ann = factories.caller(factories.ann())

    ann.post(path)
    asked = Generation.objects.get(pk=answer.pk)
    ann.post(path)

    assert (asked.status, asked.stop_requested) == (Generation.Status.RUNNING, True)
    assert Generation.objects.get(pk=answer.pk).status == Generation.Status.STOPPED
    assert ann.post(path).status_code == 404


@pytest.mark.asyncio
async def test_an_adapter_is_unloaded_everywhere(settings):
    await sync_to_async(_adapter)("p1")
    async with ScriptedEngine() as engine:
        engine.adapters["p1"] = "/adapters/p1"
        settings.ENGINE_URLS, settings.ENGINE_KEY = [engine.url], engine.key

        reply = await sync_to_async(_unload)("p1")
        unknown = await sync_to_async(_unload)("p2")

    assert (reply.status_code, unknown.status_code) == (204, 404)
    assert not engine.adapters


def _adapter(name: str) -> None:
    PolicyVersion.objects.create(
        name=name, number=1, path=f"/adapters/{name}", base_model="embedded", state="ready"
    )


def _unload(name: str):
    return factories.caller(factories.ann()).post(f"/v1/operations/adapters/{name}/unload")


def test_metrics_are_read_with_their_key_or_an_administrators(settings):
    settings.ENGINE_URLS, settings.METRICS_KEY = NOWHERE, "for prometheus"

    def ask(**headers: str) -> int:
        return Client(headers=headers).get("/metrics").status_code

    assert ask() == 401
    assert ask(Authorization="Bearer for somebody else") == 401
    assert factories.caller(factories.rae()).get("/metrics").status_code == 401
    assert ask(Authorization="Bearer for prometheus") == 200
    assert factories.caller(factories.ann()).get("/metrics").status_code == 200


def test_metrics_say_what_all_processes_counted(settings):
    settings.ENGINE_URLS = NOWHERE
    # Names of its own: the process of the tests hands over what it counted too.
    one, two = Tally(), Tally()
    for process in (one, two):
        process.add("requests", "GET", "/v1/counted", "200")
        process.time("request_seconds", "/v1/counted", seconds=0.02)
        process.hand_over(valkey.client())
    one.add("tokens", "counted", by=7)
    one.hand_over(valkey.client())
    factories.answer(
        factories.said(factories.conversation(factories.ada())), status=Generation.Status.QUEUED
    )

    found = figures(factories.caller(factories.ann()).get("/metrics").content.decode())

    where = '{"method": "GET", "route": "/v1/counted", "status": "200"}'
    assert found[f"danas_requests_total{where}"] == 2
    bucket = "danas_request_seconds_bucket"
    assert found[bucket + '{"le": "0.01", "route": "/v1/counted"}'] == 0
    assert found[bucket + '{"le": "0.025", "route": "/v1/counted"}'] == 2
    assert found['danas_request_seconds_sum{"route": "/v1/counted"}'] == pytest.approx(0.04)
    assert found['danas_tokens_total{"kind": "counted"}'] == 7
    assert found['danas_answers_open{"status": "queued"}'] == 1
    assert found['danas_engine_up{"engine": "http://127.0.0.1:1"}'] == 0
    assert "danas_backup_age_seconds{}" not in found


@pytest.mark.asyncio
async def test_what_the_engine_says_of_itself_is_passed_on(settings):
    key = await sync_to_async(lambda: keys.create(factories.ann()))()
    as_ann = {"Authorization": f"Bearer {key}"}
    async with ScriptedEngine() as engine:
        engine.metrics = (
            'vllm:num_requests_running{model_name="base"} 3.0\n'
            'vllm:kv_cache_usage_perc{model_name="base"} 0.25\n'
        )
        settings.ENGINE_URLS, settings.ENGINE_KEY = [engine.url], engine.key
        told = await AsyncClient().get("/metrics", headers=as_ann)
        engine.metrics = None
        silent = await AsyncClient().get("/metrics", headers=as_ann)

    where = json.dumps({"engine": engine.url})
    found = figures(told.content.decode())
    assert found[f"danas_engine_running{where}"] == 3
    assert found[f"danas_engine_cache_share{where}"] == 0.25
    assert f"danas_engine_waiting{where}" not in found
    assert f"danas_engine_running{where}" not in figures(silent.content.decode())
