"""The engine's client against the scripted engine: what goes wrong, and what it is then told."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from inference.client import EngineClient
from inference.contracts import BASE, FinishReason, Policy, Sampling
from inference.errors import (
    EngineInterrupted,
    EngineRefused,
    EngineUnavailable,
    PolicyNotLoaded,
)
from tests.fakes import Answer, ScriptedEngine, score_of, tokens_of

PROMPT = [1, 2, 3]
POLICY = Policy("danas-v1-0123abcd", "/adapters/danas-v1-0123abcd", "0123abcd" * 8)
DOWN = "http://127.0.0.1:9"


async def collect(client, sampling=None, policy=BASE, prompt=PROMPT):
    return [each async for each in client.stream(prompt, sampling or Sampling(), policy)]


async def collect_into(seen, client):
    async for delta in client.stream(PROMPT, Sampling(), BASE):
        seen.append(delta)


async def test_a_stream_carries_text_ids_and_logprobs_and_ends_with_the_reason():
    async with ScriptedEngine(["Paris is it."]) as engine, client_of(engine) as client:
        deltas = await collect(client)

    expected = tokens_of("Paris is it.")
    assert "".join(delta.text for delta in deltas) == "Paris is it."
    assert [id for delta in deltas for id in delta.token_ids] == [t.id for t in expected]
    assert [p for delta in deltas for p in delta.logprobs] == [t.logprob for t in expected]
    assert [delta.finish_reason for delta in deltas] == [None, None, None, FinishReason.STOP]


async def test_the_engine_is_asked_for_exactly_what_is_logged():
    sampling = Sampling(temperature=0.5, top_p=0.8, max_tokens=7, seed=3, stop=("\n",))
    async with ScriptedEngine() as engine, client_of(engine) as client:
        await collect(client, sampling)

    body = engine.completions[0].body
    assert (body["model"], body["prompt"]) == ("base", PROMPT)
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.5, 0.8, 7)
    assert (body["seed"], body["stop"]) == (3, ["\n"])
    assert body["stream"] is True
    assert body["logprobs"] == 0


async def test_a_client_gives_its_name_for_a_request_to_the_engine():
    async with ScriptedEngine() as engine, client_of(engine) as client:
        async for _ in client.stream(PROMPT, Sampling(), BASE, request_id="answer-7"):
            pass

    assert engine.completions[0].headers["X-Request-Id"] == "answer-7"


async def test_closing_the_stream_breaks_the_request_off():
    slow = Answer("one two three four five six", pace_s=0.05)
    async with ScriptedEngine([slow]) as engine, client_of(engine) as client:
        async with aclosing(client.stream(PROMPT, Sampling(), BASE)) as stream:
            await anext(stream)
        await eventually(lambda: engine.completions[0].aborted)

    assert engine.completions[0].tokens_sent < 4


async def test_cancelling_the_reader_breaks_the_request_off():
    slow = Answer("one two three four five six", pace_s=0.05)
    async with ScriptedEngine([slow]) as engine, client_of(engine) as client:
        reader = asyncio.create_task(collect(client))
        await eventually(lambda: engine.completions and engine.completions[0].tokens_sent)
        reader.cancel()
        await eventually(lambda: engine.completions[0].aborted)


async def test_no_engine_is_unavailable():
    async with EngineClient([DOWN]) as client:
        with pytest.raises(EngineUnavailable, match=DOWN):
            await collect(client)


async def test_another_address_answers_for_one_that_is_down():
    async with ScriptedEngine(["Here."]) as engine, client_of(DOWN, engine) as client:
        deltas = await collect(client)

        assert await client.is_up() == {DOWN: False, engine.url: True}
    assert "".join(delta.text for delta in deltas) == "Here."


async def test_a_failing_address_is_passed_over_before_the_first_token():
    broken = Answer(refused="EngineCore is dead", status=500)
    async with two_engines([broken], ["Here."]) as (_one, _other, client):
        deltas = await collect(client)

    assert "".join(delta.text for delta in deltas) == "Here."


@pytest.mark.parametrize("after", [0, 2])
async def test_an_engine_that_goes_away_in_mid_answer_interrupts_it(after):
    dying = Answer("one two three four", dies_after=after)
    async with ScriptedEngine([dying]) as engine, client_of(engine) as client:
        seen = []
        with pytest.raises(EngineInterrupted):
            await collect_into(seen, client)

    assert [delta.text for delta in seen] == ["one", " two"][:after]


async def test_an_engine_that_dies_before_the_first_token_is_stood_in_for():
    dying = Answer("one two", dies_after=0)
    async with two_engines([dying], ["Here."]) as (_one, _other, client):
        deltas = await collect(client)

    assert deltas[0].text == "Here."


async def test_an_error_within_the_stream_interrupts_it_with_the_engines_words():
    failing = Answer("one two three", fails_after=1)
    async with ScriptedEngine([failing]) as engine, client_of(engine) as client:
        with pytest.raises(EngineInterrupted, match="encountered an issue"):
            await collect(client)


async def test_an_engine_killed_in_mid_stream_interrupts_all_its_answers():
    slow = Answer("one two three four five six seven eight", pace_s=0.1)
    async with ScriptedEngine([slow]) as engine, client_of(engine) as client:
        readers = [asyncio.create_task(collect(client)) for _ in range(3)]
        await eventually(lambda: sum(r.tokens_sent > 0 for r in engine.completions) == 3)
        await engine.die()
        results = await asyncio.gather(*readers, return_exceptions=True)

    assert [type(result) for result in results] == [EngineInterrupted] * 3


async def test_a_wrong_request_is_refused_with_the_engines_words():
    async with ScriptedEngine(context=8) as engine, client_of(engine) as client:
        with pytest.raises(EngineRefused, match="maximum context length is 8"):
            await collect(client, prompt=[5] * 9)


async def test_a_wrong_key_is_refused():
    async with ScriptedEngine() as engine, EngineClient([engine.url], "wrong") as client:
        with pytest.raises(EngineRefused, match="Unauthorized"):
            await collect(client)


async def test_a_policy_is_loaded_everywhere_and_used_by_its_name():
    async with two_engines(["A."], ["B."]) as (one, other, client):
        await client.load(POLICY)
        await collect(client, policy=POLICY)

    assert [r.model for r in one.completions + other.completions] == [POLICY.name]
    loads = [r for r in one.requests + other.requests if r.path == "/v1/load_lora_adapter"]
    assert [r.body["lora_path"] for r in loads] == [POLICY.path, POLICY.path]


async def test_loading_on_the_engines_that_are_up_is_not_stopped_by_one_that_is_down():
    async with ScriptedEngine() as engine, client_of(DOWN, engine) as client:
        with pytest.raises(EngineUnavailable):
            await client.load(POLICY)

        assert POLICY.name in await client.loaded(engine.url)


async def test_the_engine_is_told_which_weights_a_name_stands_for():
    async with ScriptedEngine() as engine, client_of(engine) as client:
        await client.load(POLICY)

    assert engine.requests[-1].body["digest"] == POLICY.digest


async def test_room_is_made_by_unloading_what_was_not_used_for_the_longest_time():
    async with two_engines(["A."], ["B."]) as (one, other, client):
        for name in ("old", "live", "used", "training-7-1", "new"):
            await client.load(Policy(name, f"/adapters/{name}"))
        await collect(client, policy=Policy("used", "/adapters/used"))

        dropped = await client.make_room(keep={"live"}, cap=3)

    # Of old, used and new, two have to go; `used` was asked for, and old was loaded before new.
    assert dropped == ["new", "old"]
    unloads = [r.body["lora_name"] for r in one.requests if r.path == "/v1/unload_lora_adapter"]
    assert unloads == ["old", "new"]
    assert len([r for r in other.requests if r.path == "/v1/unload_lora_adapter"]) == 2


async def test_what_must_be_kept_is_kept_above_the_cap_too():
    async with ScriptedEngine() as engine, client_of(engine) as client:
        for name in ("live", "trial"):
            await client.load(Policy(name, f"/adapters/{name}"))

        assert await client.make_room(keep={"live", "trial"}, cap=1) == []
        assert await client.loaded(engine.url) == {"base", "live", "trial"}


async def test_a_restarted_engine_says_that_it_lost_the_policy():
    async with ScriptedEngine() as engine, client_of(engine) as client:
        await client.load(POLICY)
        await engine.restart()
        with pytest.raises(PolicyNotLoaded):
            await collect(client, policy=POLICY)

        await client.load(POLICY)
        assert await collect(client, policy=POLICY)


async def test_a_policy_that_one_engine_lost_is_answered_by_the_other():
    async with two_engines(["A."], ["B."]) as (one, _other, client):
        await client.load(POLICY)
        await one.restart()
        deltas = await collect(client, policy=POLICY)

    assert deltas[0].text == "B."


async def test_requests_go_to_the_address_with_the_fewest_in_flight():
    slow = Answer("one two three", pace_s=0.05)
    async with two_engines([slow], [slow]) as (one, other, client):
        await asyncio.gather(*(collect(client) for _ in range(6)))

    assert len(one.completions) == len(other.completions) == 3


async def test_several_samples_of_one_prompt_come_in_one_request():
    async with ScriptedEngine(["One.", "Two."]) as engine, client_of(engine) as client:
        samples = await client.sample(PROMPT, Sampling(), BASE, n=2)

    assert [sample.text for sample in samples] == ["One.", "Two."]
    assert samples[1].token_ids == tuple(token.id for token in tokens_of("Two."))
    assert len(engine.completions) == 1


async def test_a_score_is_the_logprob_of_every_token_but_the_first():
    async with ScriptedEngine() as engine, client_of(engine) as client:
        assert await client.score([5, 6, 7], BASE) == [score_of(6), score_of(7)]


async def test_a_stream_that_ends_without_a_reason_was_interrupted(monkeypatch):
    monkeypatch.setattr("tests.fakes._choice", without_reason)
    async with ScriptedEngine() as engine, client_of(engine) as client:
        with pytest.raises(EngineInterrupted):
            await collect(client)


def without_reason(tokens, reason, index=0):
    return {
        "index": index,
        "text": "",
        "token_ids": [],
        "logprobs": {"token_logprobs": []},
        "finish_reason": None,
    }


def client_of(*engines):
    addresses = [engine if engine == DOWN else engine.url for engine in engines]
    return EngineClient(addresses, engines[-1].key)


@asynccontextmanager
async def two_engines(first, second):
    async with (
        ScriptedEngine(first) as one,
        ScriptedEngine(second) as other,
        client_of(one, other) as client,
    ):
        yield one, other, client


async def eventually(claim, timeout_s=3.0):
    async with asyncio.timeout(timeout_s):
        while not claim():
            await asyncio.sleep(0.01)
