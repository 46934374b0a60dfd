"""What only a real vLLM can show: numbers, memory of weights, and the lives of its processes."""

import asyncio
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, aclosing

import aiohttp
import pytest

from inference.client import EngineClient
from inference.contracts import BASE, ChatMessage, Policy, Sampling
from inference.tokenizer import ChatTokenizer
from tests.inference.conftest import REPOSITORY, descendants, outliving, start_engine
from tests.inference.lora import make_adapter

pytestmark = pytest.mark.system

PLAIN = Sampling(temperature=1.0, top_p=1.0, max_tokens=24, seed=5)
QUESTION = [
    ChatMessage("system", "You are a helpful assistant."),
    ChatMessage("user", "What is the capital of France?"),
]


@pytest.fixture
async def client(real_engine):
    async with EngineClient([real_engine.url], real_engine.key) as client:
        yield client


@pytest.fixture
def prompt(base_model):
    return ChatTokenizer.from_folder(base_model).prompt_ids(QUESTION)


async def test_a_closed_stream_leaves_the_engine_idle(client, real_engine, prompt):
    endless = Sampling(max_tokens=900, ignore_eos=True)

    async with aclosing(client.stream(prompt, endless, BASE)) as stream:
        await anext(stream)
        assert await running(real_engine) == 1

    async with asyncio.timeout(5):
        while await running(real_engine):
            await asyncio.sleep(0.1)


async def test_what_was_sampled_is_what_is_scored(client, prompt):
    """At temperature 1, sampled and scored log-probabilities differ by rounding only."""
    (sample,) = await client.sample(prompt, PLAIN, BASE)

    scores = await client.score([*prompt, *sample.token_ids], BASE)

    pairs = zip(scores[len(prompt) - 1 :], sample.logprobs, strict=True)
    differences = [abs(scored - sampled) for scored, sampled in pairs]
    # bfloat16 in batches of different shapes: measured 0.01 to 0.03 on average.
    assert sum(differences) / len(differences) < 0.08


async def test_requests_with_a_seed_survive_a_prompt_that_is_read_in_pieces(client, prompt):
    """More prompts at once than fit into one step, so that some of them are cut in two."""
    short = Sampling(temperature=1.0, top_p=1.0, max_tokens=2, seed=3)
    # 40 prompts of 150 tokens with different beginnings; a step of vLLM's takes 2,048 tokens.
    prompts = [[*prompt[:1], 100 + number, *prompt * 5][:150] for number in range(40)]

    samples = await asyncio.gather(*(client.sample(each, short, BASE) for each in prompts))

    assert all(len(sample.token_ids) == 2 for (sample,) in samples)


async def test_logprobs_are_of_the_distribution_that_was_sampled_from(client, prompt):
    """Cut to the likeliest token by top-p, that token is certain, whatever the model thinks."""
    narrow = Sampling(temperature=1.0, top_p=0.01, max_tokens=12, seed=1)

    (sample,) = await client.sample(prompt, narrow, BASE)

    assert sample.logprobs == pytest.approx([0.0] * len(sample.logprobs), abs=1e-5)


async def test_an_adapter_changes_what_is_served_and_an_empty_one_does_not(
    client, prompt, base_model, tmp_path
):
    base = await client.score(prompt, BASE)

    shifts = [
        await shift(
            client, prompt, base, make_adapter(tmp_path / str(scale), base_model, scale=scale)
        )
        for scale in (0.0, 0.2)
    ]

    assert shifts[0] < 0.05 < shifts[1]


async def shift(client, prompt, base, folder):
    """How far the log-probabilities under an adapter are from the base's, on average."""
    policy = Policy(f"danas-v2-{folder.name}", str(folder))
    await client.load(policy)
    scores = await client.score(prompt, policy)
    await client.unload(policy)
    return sum(abs(a - b) for a, b in zip(base, scores, strict=True)) / len(scores)


async def running(engine):
    """How many requests vLLM is working on, by its own count."""
    async with aiohttp.ClientSession() as session, session.get(f"{engine.url}/metrics") as response:
        text = await response.text()
    lines = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


async def test_a_request_for_the_base_is_not_touched_by_adapters_beside_it(
    client, prompt, base_model, tmp_path
):
    """With every slot filled; vLLM's own arithmetic on a CPU gave the base the last slot's."""
    alone = await client.score(prompt, BASE)
    policies = [
        Policy(
            f"danas-v3-{slot}",
            str(make_adapter(tmp_path / str(slot), base_model, scale=0.5, seed=slot)),
        )
        for slot in range(4)
    ]
    for policy in policies:
        await client.load(policy)

    endless = Sampling(max_tokens=200, ignore_eos=True)
    async with AsyncExitStack() as beside:
        for policy in policies:
            stream = client.stream(prompt, endless, policy)
            await beside.enter_async_context(aclosing(stream))
            await anext(stream)
        among_others = await client.score(prompt, BASE)

    for policy in policies:
        await client.unload(policy)
    differences = [abs(a - b) for a, b in zip(alone, among_others, strict=True)]
    assert sum(differences) / len(differences) < 0.08


@pytest.mark.slow
def test_what_is_changed_in_the_cpu_worker_computes_what_a_plain_reference_does():
    done = subprocess.run(
        [sys.executable, "-m", "tests.inference.cpu_worker_reference"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_nothing_of_the_engine_outlives_a_server_that_was_killed(base_model, tmp_path):
    engine = start_engine(base_model, tmp_path)
    family = descendants(engine.process.pid)
    assert len(family) >= 2

    engine.process.send_signal(signal.SIGKILL)
    engine.process.wait(5)

    assert outliving(family, 5) == []
