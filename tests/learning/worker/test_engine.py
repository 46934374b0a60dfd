"""The learner's engine over two scripted engines: an adapter is on all of them, or not served."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from inference import registry
from inference.contracts import BASE, Policy, Sampling
from inference.engine import adapters
from inference.errors import EngineUnavailable
from inference.storage import Storage
from learning import policies
from learning.policy.trainer import SavedState
from learning.worker.engine import Engine, EngineSampler
from tests.fakes import ScriptedEngine
from tests.inference import s3

POLICY = Policy("danas-v1-0123abcd", "s3://danas/0123abcd", "0123abcd" * 8)


class Engines:
    """Two scripted engines on an event loop of their own, since the learner's is not."""

    def __init__(self, loop):
        self._loop = loop
        self.both = [ScriptedEngine(), ScriptedEngine()]

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


@contextmanager
def two_engines():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    engines = Engines(loop)
    try:
        for engine in engines.both:
            engines.do(engine.start())
        yield engines
    finally:
        for engine in engines.both:
            engines.do(engine.die())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def engines():
    with two_engines() as found:
        yield found


@pytest.fixture
def learner(engines):
    return Engine([engine.url for engine in engines.both], engines.both[0].key)


def test_an_adapter_is_loaded_on_every_engine_with_its_digest(engines, learner):
    learner.load(POLICY)

    for engine in engines.both:
        assert engine.adapters == {POLICY.name: POLICY.path}
        assert engine.requests[-1].body["digest"] == POLICY.digest


@pytest.mark.django_db
def test_nothing_goes_live_while_one_engine_is_down(engines, learner):
    version = registry.accept(registry.stage(POLICY.path, POLICY.digest, registry.base(), {}))
    engines.do(engines.both[1].die())

    with pytest.raises(EngineUnavailable):
        learner.load(registry.as_policy(version))
    assert registry.live().name == "base"

    engines.do(engines.both[1].start())
    learner.load(registry.as_policy(version))
    policies.activate(version.name, by="Ada")
    assert [version.name in engine.adapters for engine in engines.both] == [True, True]
    assert registry.live() == version


def test_room_is_made_on_every_engine(engines, learner):
    for number in range(3):
        learner.load(Policy(f"own-{number}", "/adapters/own"))

    assert learner.make_room(keep={"own-0"}, cap=2) == ["own-1"]
    assert [set(engine.adapters) for engine in engines.both] == [{"own-0", "own-2"}] * 2


def test_every_prompt_has_luck_of_its_own_whoever_asks(engines, learner):
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=4, seed=3)
    for _ in range(2):
        learner.sample([(1, 2), (3, 4)], sampling, BASE, 1)

    asked = [r.body for engine in engines.both for r in engine.completions]
    seeds = {tuple(body["prompt"]): set() for body in asked}
    for body in asked:
        seeds[tuple(body["prompt"])].add(body["seed"])
    assert [len(found) for found in seeds.values()] == [1, 1]
    assert seeds[1, 2] != seeds[3, 4]


def test_the_adapter_of_a_step_travels_and_is_taken_back(engines, learner, tmp_path):
    with s3.running() as server:
        storage = Storage("s3://danas", tmp_path / "cache", server.options)
        sampler = EngineSampler(learner, storage, Policy("base"), "training-7-1")

        for step in (1, 2):
            sampler.serve(saved(tmp_path / f"step-{step}"))

        # The optimizer's numbers stay at home.
        assert len(s3.names(server, "danas")) == 3
        for engine in engines.both:
            assert engine.adapters == {"training-7-1-2": "s3://danas/.training/training-7-1-2"}
        sampler.retire()
        assert s3.names(server, "danas") == []
        assert [engine.adapters for engine in engines.both] == [{}, {}]
    assert (tmp_path / "step-1").exists()


def test_a_local_step_is_served_from_where_it_was_saved(engines, learner, tmp_path):
    storage = Storage(str(tmp_path / "adapters"), tmp_path / "cache")
    sampler = EngineSampler(learner, storage, Policy("base"), "training-7-1")
    state = saved(tmp_path / "step-1")

    sampler.serve(state)
    assert engines.both[0].adapters == {"training-7-1-1": str(state.folder)}
    sampler.retire()

    assert state.folder.exists()


def saved(folder):
    folder.mkdir()
    for name in (adapters.CONFIG, adapters.WEIGHTS, "optimizer.pt"):
        (folder / name).write_bytes(b"content")
    return SavedState(folder, "ab" * 32)
