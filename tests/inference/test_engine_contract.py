"""One suite for the scripted engine and, marked `system`, a real vLLM: what Danas relies on."""

import asyncio
import json
import math

import pytest

from inference.client import EngineClient
from inference.contracts import BASE, Chat, ChatMessage, FinishReason, Policy, Sampling
from inference.errors import EngineRefused, PolicyNotLoaded
from inference.tokenizer import ChatTokenizer
from tests.fakes import ScriptedEngine
from tests.inference.lora import make_adapter

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_tokens=24)
PLAIN = Sampling(temperature=1.0, top_p=1.0, max_tokens=24, seed=5)
QUESTION = [
    ChatMessage("system", "You are a helpful assistant."),
    ChatMessage("user", "What is the capital of France?"),
]


@pytest.fixture(params=["scripted", pytest.param("real", marks=pytest.mark.system)])
async def engine(request):
    """An address and key: of a scripted engine that knows the answer, or of a real one."""
    if request.param == "real":
        yield request.getfixturevalue("real_engine")
        return
    answer = "The capital of France is Paris."
    async with ScriptedEngine([answer], context=1024) as scripted:
        city = request.getfixturevalue("tokenizer").encode(" Paris")[0]
        scripted.likeliest = {city: -0.5, city + 1: -2.0}
        yield scripted


@pytest.fixture
async def client(engine):
    async with EngineClient([engine.url], engine.key) as client:
        yield client


@pytest.fixture(scope="session")
def tokenizer(base_model):
    return ChatTokenizer.from_folder(base_model)


@pytest.fixture
def prompt(tokenizer):
    return tokenizer.prompt_ids(QUESTION)


@pytest.fixture
def policy(base_model, tmp_path):
    folder = make_adapter(tmp_path / "adapter", base_model, scale=0.05)
    return Policy(f"danas-v1-{tmp_path.name}", str(folder))


async def test_a_question_is_answered_token_by_token(client, prompt):
    deltas = [delta async for delta in client.stream(prompt, GREEDY, BASE)]

    assert "Paris" in "".join(delta.text for delta in deltas)
    assert len(deltas) > 1
    assert all(len(delta.token_ids) == len(delta.logprobs) for delta in deltas)
    assert all(value <= 0 for delta in deltas for value in delta.logprobs)
    assert [delta.finish_reason for delta in deltas[:-1]] == [None] * (len(deltas) - 1)
    assert deltas[-1].finish_reason is FinishReason.STOP


async def test_the_end_mark_is_a_token_without_text(client, prompt, tokenizer):
    deltas = [delta async for delta in client.stream(prompt, GREEDY, BASE)]

    assert deltas[-1].token_ids[-1] in tokenizer.end_ids
    assert deltas[-1].text == ""


async def test_an_answer_that_is_cut_says_so(client, prompt):
    sampling = Sampling(max_tokens=2)

    deltas = [delta async for delta in client.stream(prompt, sampling, BASE)]

    assert deltas[-1].finish_reason is FinishReason.LENGTH
    assert sum(len(delta.token_ids) for delta in deltas) == 2


async def test_several_samples_come_at_once(client, prompt):
    samples = await client.sample(prompt, PLAIN, BASE, n=3)

    assert len(samples) == 3
    assert all(len(sample.token_ids) == len(sample.logprobs) > 0 for sample in samples)


async def test_every_token_but_the_first_is_scored(client, prompt):
    scores = await client.score(prompt, BASE)

    assert len(scores) == len(prompt) - 1
    assert all(math.isfinite(score) and score <= 0 for score in scores)


async def test_words_are_judged_at_places_in_a_prompt(client, prompt, tokenizer):
    """After "The capital of France is" a city is likelier than a verb; elsewhere who knows."""
    said = tokenizer.encode("The capital of France is Paris, and the capital of Italy is")
    place = len(tokenizer.encode("The capital of France is")) - 1
    city, verb = tokenizer.encode(" Paris")[0], tokenizer.encode(" runs")[0]

    there, elsewhere = await client.judge(said, [place, 2], city, verb, BASE)

    assert there > 1
    assert math.isfinite(elsewhere)


async def test_a_prompt_longer_than_the_context_is_refused_in_words(client, engine):
    with pytest.raises(EngineRefused, match=str(engine.context)):
        await client.sample([5] * (engine.context + 1), Sampling(max_tokens=100), BASE)


async def test_an_answer_ends_where_the_context_does(client, engine):
    longer = Sampling(max_tokens=100, ignore_eos=True)

    (sample,) = await client.sample([5] * (engine.context - 3), longer, BASE)

    assert (len(sample.token_ids), sample.finish_reason) == (3, FinishReason.LENGTH)


async def test_a_policy_is_loaded_used_and_dropped(client, engine, policy, prompt):
    with pytest.raises(PolicyNotLoaded):
        await client.sample(prompt, GREEDY, policy)

    await client.load(policy)
    await client.load(policy)
    assert policy.name in await client.loaded(engine.url)
    assert await client.sample(prompt, GREEDY, policy)

    await client.unload(policy)
    await client.unload(policy)
    with pytest.raises(PolicyNotLoaded):
        await client.sample(prompt, GREEDY, policy)


async def test_loading_twice_at_once_is_loading_once(client, engine, policy):
    await asyncio.gather(*(client.load(policy) for _ in range(4)))

    assert policy.name in await client.loaded(engine.url)
    await client.unload(policy)


async def test_an_adapter_that_is_not_there_is_refused(client, engine):
    if isinstance(engine, ScriptedEngine):
        engine.loadable = set()

    with pytest.raises(EngineRefused, match="/nowhere"):
        await client.load(Policy("danas-v9-nowhere", "/nowhere"))


async def test_health_is_told_for_each_address(client, engine):
    assert await client.is_up() == {engine.url: True}


async def test_a_chat_is_read_as_the_tokens_that_we_count(client, engine, prompt, tokenizer):
    deltas = [delta async for delta in client.chat(Chat(tuple(QUESTION)), GREEDY, BASE)]

    if not isinstance(engine, ScriptedEngine):
        assert list(deltas[0].prompt_token_ids) == prompt
    assert "Paris" in "".join(delta.text for delta in deltas)
    sampled = [token for delta in deltas for token in delta.token_ids]
    assert len(sampled) == len([p for delta in deltas for p in delta.logprobs])
    assert sampled[-1] in tokenizer.end_ids
    assert deltas[-1].finish_reason is FinishReason.STOP


async def test_a_chat_and_its_tokens_are_answered_alike(client, prompt):
    asked, [from_chat] = await client.sample_chat(Chat(tuple(QUESTION)), GREEDY, BASE)
    [from_tokens] = await client.sample(prompt, GREEDY, BASE)

    assert asked
    assert from_chat.token_ids == from_tokens.token_ids
    assert from_chat.text == from_tokens.text


async def test_an_answer_can_be_held_to_a_schema(client, engine):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}},
        "required": ["city"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    if isinstance(engine, ScriptedEngine):
        engine.play('{"city": "Paris"}')

    _, [sample] = await client.sample_chat(
        Chat(tuple(QUESTION), response_format=form), GREEDY, BASE
    )

    assert set(json.loads(sample.text)) == {"city"}
