"""Two real engines that share no folder: adapters reach both through an object store."""

import json
import os
from contextlib import ExitStack

import pytest

from inference.client import EngineClient
from inference.contracts import BASE, ChatMessage, Policy
from inference.engine.adapters import digest_of
from inference.errors import EngineRefused, EngineUnavailable
from inference.storage import Storage
from inference.tokenizer import ChatTokenizer
from tests.inference import s3
from tests.inference.conftest import start_engine
from tests.inference.lora import make_adapter

pytestmark = [pytest.mark.system, pytest.mark.slow]
SMALL = ("--kv-cache-mb", "64", "--max-num-seqs", "4")


@pytest.fixture(scope="module")
def s3_server():
    with s3.running() as server:
        yield server


@pytest.fixture(scope="module")
def engines(base_model, s3_server, tmp_path_factory):
    os.environ["DANAS_STORAGE_OPTIONS"] = json.dumps(s3_server.options)
    with ExitStack() as ends:
        ends.callback(os.environ.pop, "DANAS_STORAGE_OPTIONS")
        found = []
        for name in ("one", "other"):
            engine = start_engine(base_model, tmp_path_factory.mktemp(name), *SMALL)
            ends.callback(engine.process.wait, 30)
            ends.callback(engine.process.terminate)
            found.append(engine)
        yield found


@pytest.fixture
def storage(s3_server, tmp_path):
    return Storage("s3://danas/adapters", tmp_path / "cache", s3_server.options)


def put(storage, base_model, folder, scale):
    adapter = make_adapter(folder / "adapter", base_model, scale=scale)
    digest = digest_of(adapter)
    return Policy(f"danas-{digest[:8]}", storage.put_folder(adapter, digest[:16]), digest)


async def test_an_adapter_is_live_on_every_engine_or_on_none(
    engines, storage, base_model, tmp_path
):
    policy = put(storage, base_model, tmp_path, 0.2)
    prompt = ChatTokenizer.from_folder(base_model).prompt_ids([ChatMessage("user", "Hello.")])
    urls, key = [engine.url for engine in engines], engines[0].key
    async with EngineClient(urls, key) as client:
        with pytest.raises(EngineRefused, match="digest is another"):
            await client.load(Policy("danas-wrong", policy.path, "00" * 32))
        await client.load(policy)

    scores = []
    for url in urls:
        async with EngineClient([url], key) as one:
            assert await one.loaded(url) == {"base", policy.name}
            base, adapted = await one.score(prompt, BASE), await one.score(prompt, policy)
            scores.append(adapted)
            assert max(abs(a - b) for a, b in zip(base, adapted, strict=True)) > 0.05
    assert scores[0] == pytest.approx(scores[1], abs=0.1)

    engines[1].process.kill()
    engines[1].process.wait()
    async with EngineClient(urls, key) as client:
        later = put(storage, base_model, tmp_path / "later", 0.3)
        with pytest.raises(EngineUnavailable):
            await client.load(later)
        # What both had goes on answering from the one that is left.
        assert await client.score(prompt, policy) == pytest.approx(scores[0], abs=0.1)
