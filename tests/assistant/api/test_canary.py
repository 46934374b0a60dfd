"""Versions on trial and adapters of one's own, through the website with a scripted engine."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from channels.db import database_sync_to_async

from assistant import tasks
from assistant.accounts import keys
from assistant.api import feedback as feedback_views
from inference import registry, routing
from inference.models import Split
from learning import canary
from learning.models import Alarm, Exposure, Trial, Update
from tests import factories
from tests.fakes import Answer

HELLO = [{"role": "user", "content": "Hello"}]
look = database_sync_to_async(tasks.advance_canary)


@pytest.fixture(autouse=True)
def _short(settings, monkeypatch):
    settings.CANARY_ANSWERS = 4
    monkeypatch.setattr(feedback_views, "REWARD_PATIENCE_S", 0.0)
    # No Celery worker runs here; the tests look themselves.
    monkeypatch.setattr(canary, "ask_for_a_look", lambda: None)


@database_sync_to_async
def on_trial(share=25):
    """A version that is tried out, by a share of people."""
    trial = canary.begin(
        Update.objects.create(requested_by="rho", canary=True, state=Update.State.CANARY),
        ready("ab" * 32),
        registry.live(),
    )
    Split.objects.update(share=share)
    trial.share = share
    trial.save()
    return trial


def ready(digest, person=None):
    version = registry.stage(f"/x/{digest[:2]}", digest, registry.base(), {}, person)
    return registry.accept(version)


@database_sync_to_async
def people(trial, each):
    """So many people who fall into the share, and as many who don't, with their clients' keys."""
    found = {True: [], False: []}
    number = 0
    while min(len(found[True]), len(found[False])) < each:
        person = factories.person(f"p{number}")
        number += 1
        arm = found[routing.in_share(trial.policy, person.pk, trial.share)]
        if len(arm) < each:
            arm.append(keys.create(person))
    return found[True], found[False]


async def ask(running, key, model="danas"):
    """One answer: its id and the version that gave it, or what went wrong."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as client:
        body = {"model": model, "messages": HELLO}
        response = await client.post("/v1/chat/completions", json=body)
    return response.json()


async def thumb(running, key, message, kind):
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as client:
        body = {"message": message, "kind": kind}
        (await client.post("/v1/feedback", json=body)).raise_for_status()


@database_sync_to_async
def state_of(trial):
    trial.refresh_from_db()
    return trial.state, trial.share, registry.live().name


async def test_a_version_that_people_dislike_is_rolled_back_by_itself(site):
    trial = await on_trial()
    new, old = await people(trial, 5)
    async with site() as running:
        for _ in range(2):
            for key in (*old, *new):
                answer = await ask(running, key)
                assert answer["model"] == (trial.policy if key in new else "base")
                await thumb(running, key, answer["id"], "down" if key in new else "up")
            # Loading the adapter has made somebody's first token slow; only thumbs count here.
            await Exposure.objects.aupdate(first_token_ms=10.0, token_ms=1.0)
        await look()
        after = await ask(running, new[0])

    assert await state_of(trial) == (Trial.State.ROLLED_BACK, 25, "base")
    assert after["model"] == "base"
    alarm = await Alarm.objects.aget()
    assert "disliked 10 of its 10 answers" in alarm.sentence
    assert "0 of 10" in alarm.sentence


async def test_a_version_whose_answers_fail_is_rolled_back_by_itself(site):
    trial = await on_trial()
    new, old = await people(trial, 3)
    async with site() as running:
        running.engine.says[trial.policy] = Answer(refused="CUDA error", status=500)
        for _ in range(3):
            for key in (*old, *new):
                answer = await ask(running, key)
                assert ("error" in answer) == (key in new)
        await look()
        after = await ask(running, new[0])

    assert await state_of(trial) == (Trial.State.ROLLED_BACK, 25, "base")
    assert after["model"] == "base"
    assert (await Update.objects.aget()).reason == (
        "It was withdrawn: 9 of its 9 answers failed, of the other version's 0 of 9."
    )


async def test_a_good_version_ends_up_answering_everybody(site):
    trial = await on_trial(5)
    new, old = await people(trial, 1)
    seen = []
    async with site() as running:
        for _ in range(3):
            seen.append((await state_of(trial))[1])
            for key in (*old, *new) * 4:
                answer = await ask(running, key)
                await thumb(running, key, answer["id"], "up")
            await Exposure.objects.aupdate(first_token_ms=10.0, token_ms=1.0)
            await look()
        after = await ask(running, old[0])

    assert seen == [5, 25, 100]
    assert await state_of(trial) == (Trial.State.PROMOTED, 100, trial.policy)
    assert after["model"] == trial.policy


async def test_nobody_moves_back_and_forth_while_the_share_grows(site):
    trial = await on_trial(5)
    new, old = await people(trial, 1)
    answered = {True: [], False: []}
    async with site() as running:
        for share in (5, 25, 100):
            await Split.objects.aupdate(share=share)
            for is_new, key in ((True, new[0]), (False, old[0])):
                answered[is_new].append((await ask(running, key))["model"])

    assert answered[True] == [trial.policy] * 3
    assert answered[False][-1] == trial.policy
    assert answered[False] == sorted(answered[False], key=lambda name: name == trial.policy)


async def test_how_an_answer_went_is_taken_down_without_its_words(site):
    trial = await on_trial(100)
    key = await database_sync_to_async(lambda: keys.create(factories.ada()))()
    async with site("Rain is water.", Answer("  ")) as running:
        answers = [await ask(running, key) for _ in range(2)]
        await ask(running, key, model="base")

    good, silent = [await Exposure.objects.aget(pk=answer["id"]) for answer in answers]
    assert (good.is_new, good.has_failed, good.trial_id) == (True, False, trial.pk)
    assert good.first_token_ms > 0
    assert good.token_ms is not None
    assert silent.has_failed
    assert await Exposure.objects.acount() == 2


async def test_going_back_by_hand_stops_the_trial_and_loses_no_answer(site):
    trial = await on_trial(100)
    rho, ada = await database_sync_to_async(
        lambda: [keys.create(who()) for who in (factories.rho, factories.ada)]
    )()
    async with site(Answer("word " * 20, pace_s=0.02)) as running:
        asked = [asyncio.create_task(ask(running, ada)) for _ in range(4)]
        await asyncio.sleep(0.3)
        async with httpx.AsyncClient(base_url=running.url, timeout=30) as client:
            response = await client.post(
                "/v1/policies/base/activate", headers={"Authorization": f"Bearer {rho}"}
            )
        answers = await asyncio.gather(*asked)
        after = await ask(running, ada)

    assert response.status_code == 200
    assert all(answer["choices"][0]["message"]["content"].strip() for answer in answers)
    assert after["model"] == "base"
    assert (await state_of(trial))[0] == Trial.State.STOPPED


async def test_a_personal_adapter_answers_its_owner_alone(site):
    @database_sync_to_async
    def prepare():
        ada, ben = factories.ada(), factories.ben()
        hers = ready("cd" * 32, ada.pk)
        registry.give_own(hers)
        return hers.name, keys.create(ada), keys.create(ben)

    hers, ada, ben = await prepare()
    async with site() as running:
        answers = [await ask(running, key) for key in (ada, ben)]
        by_name = [await ask(running, key, model=hers) for key in (ada, ben)]
        loaded = set(running.engine.adapters)

    assert [answer["model"] for answer in answers] == [hers, "base"]
    assert by_name[0]["model"] == hers
    assert by_name[1]["error"]["code"] == "unknown_model"
    assert loaded == {hers}


async def test_the_engines_are_relieved_of_adapters_that_were_used_longest_ago(site, settings):
    settings.PERSONAL_LOADED = 1

    @database_sync_to_async
    def prepare():
        owners = [factories.ada(), factories.ben()]
        for index, owner in enumerate(owners):
            registry.give_own(ready(f"{index}c" * 32, owner.pk))
        return [keys.create(owner) for owner in owners]

    ada, ben = await prepare()
    async with site() as running:
        settings.ENGINE_URLS, settings.ENGINE_KEY = [running.engine.url], running.engine.key
        hers, his = [(await ask(running, key))["model"] for key in (ada, ben)]
        assert set(running.engine.adapters) == {hers, his}

        await asyncio.to_thread(run_in_a_thread, tasks.evict_adapters)
        left = set(running.engine.adapters)
        again = await ask(running, ada)

    assert left == {his}
    assert again["model"] == hers


def run_in_a_thread(task):
    """As a Celery worker does, where no event loop runs."""
    from django.db import connection

    try:
        task()
    finally:
        connection.close()
