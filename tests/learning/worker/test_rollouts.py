"""Shares of an update's work: done by whoever is there, and by the learner where nobody is."""

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from django.db import connection
from kombu.exceptions import OperationalError

from assistant.celery import app
from inference.contracts import BASE, FinishReason, Policy, Sample, Sampling
from inference.errors import EngineUnavailable
from inference.storage import Storage
from learning import queue
from learning.models import Update
from learning.worker import lease as leases
from learning.worker import rollouts
from learning.worker.rollouts import CLAIM_S, Crew, help_out
from tests.inference import s3

pytestmark = pytest.mark.django_db(transaction=True)
PROMPTS = [(number, number + 1) for number in range(7)]
SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=4, seed=3, stop=("x",))


class CountingEngine:
    """Answers every prompt with numbers made of it, and remembers what it was asked."""

    def __init__(self, *, is_down=False, takes_s=0.0):
        self.asked = []
        self.is_down = is_down
        self.takes_s = takes_s

    def sample(self, prompts, sampling, policy, samples):
        self._ask(prompts, policy)
        assert sampling == SAMPLING
        return [[answer_to(prompt, sample) for sample in range(samples)] for prompt in prompts]

    def score(self, sequences, policy):
        self._ask(sequences, policy)
        return [(-float(sum(tokens)),) for tokens in sequences]

    def _ask(self, sequences, policy):
        time.sleep(self.takes_s)
        if self.is_down:
            raise EngineUnavailable("No engine answers.")
        self.asked.extend(sequences)


def answer_to(prompt, sample):
    return Sample("", (prompt[0], sample), (-0.5, -0.25), FinishReason.STOP)


def features(answers):
    return np.array([[sum(prompt), sum(answer)] for prompt, answer in answers], np.float32)


def no_features(answers):
    raise AssertionError("they came with the samples")


EXPECTED = [[answer_to(prompt, sample) for sample in range(2)] for prompt in PROMPTS]


@pytest.fixture
def lease():
    return leases.take(Update.objects.create(requested_by="Ada").pk)


@pytest.fixture
def storage(tmp_path):
    return Storage(str(tmp_path / "storage"), tmp_path / "cache")


@contextmanager
def helping(storage, engine, *, workers=1, takes=lambda share: True):
    """Threads that do the shares that are asked for while the block runs, as a Crew's `ask`."""
    asked, done, stopped = [], [], threading.Event()

    def worker():
        try:
            while not stopped.is_set():
                if not asked:
                    time.sleep(0.005)
                    continue
                share = asked.pop(0)
                if takes(share[3]):
                    done.append((share[3], help_out(*share, storage, engine, features)))
        except IndexError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield lambda *share: asked.append(share), done
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def test_shares_are_asked_for_on_a_queue_of_their_own():
    routed = {
        name: app.amqp.router.route({}, name)["queue"].name
        for name in (queue.ROLLOUT, queue.RUN_UPDATE)
    }

    assert routed == {queue.ROLLOUT: "rollout", queue.RUN_UPDATE: "learner"}


def test_alone_the_learner_asks_nobody(lease, storage):
    engine = CountingEngine()
    crew = Crew(engine, storage, lease, 0, features, ask=no_features)

    assert crew.sample(PROMPTS, SAMPLING, BASE, 2) == EXPECTED
    assert crew.score(PROMPTS, BASE)[3] == (-7.0,)
    assert engine.asked == [*PROMPTS, *PROMPTS]
    assert not (storage.cache.parent / "storage").exists()


def test_two_workers_share_the_prompts_and_the_answers_are_in_order(lease, storage, valkey_url):
    own, other = CountingEngine(takes_s=0.1), CountingEngine(takes_s=0.1)
    with helping(storage, other) as (ask, done):
        crew = Crew(own, storage, lease, 1, features, ask)

        assert crew.sample(PROMPTS, SAMPLING, BASE, 2) == EXPECTED

    assert sorted(own.asked + other.asked) == PROMPTS
    assert own.asked
    assert other.asked
    assert done


def test_scores_are_shared_too(lease, storage, valkey_url):
    own, other = CountingEngine(takes_s=0.1), CountingEngine(takes_s=0.1)
    with helping(storage, other) as (ask, _):
        scores = Crew(own, storage, lease, 1, features, ask).score(PROMPTS, BASE)

    # 0 + 1, 1 + 2 and so on.
    assert scores == [(-1.0,), (-3.0,), (-5.0,), (-7.0,), (-9.0,), (-11.0,), (-13.0,)]
    assert other.asked


def test_features_come_with_the_samples(lease, storage, valkey_url):
    own, other = CountingEngine(), CountingEngine()
    own.takes_s = 0.3
    with helping(storage, other, workers=4) as (ask, done):
        crew = Crew(own, storage, lease, 1, features, ask)
        groups = crew.sample(PROMPTS, SAMPLING, BASE, 2)
        answers = [(p, s.token_ids) for p, g in zip(PROMPTS, groups, strict=True) for s in g]

        found = crew.extract(answers)

    assert any(was_done for _, was_done in done)
    np.testing.assert_array_equal(found, features(answers))


def test_where_nobody_answers_the_learner_does_everything_at_once(lease, storage, valkey_url):
    engine = CountingEngine()
    crew = Crew(engine, storage, lease, 3, features, ask=lambda *_: None)
    started = time.monotonic()

    assert crew.sample(PROMPTS, SAMPLING, BASE, 2) == EXPECTED

    assert time.monotonic() - started < CLAIM_S / 2
    assert sorted(engine.asked) == PROMPTS


def test_where_nobody_can_be_asked_the_learner_does_everything(lease, storage, monkeypatch):
    monkeypatch.setattr("django.conf.settings.VALKEY_URL", "redis://127.0.0.1:9")

    def ask(*_):
        raise OperationalError("no broker")

    crew = Crew(CountingEngine(), storage, lease, 1, features, ask)

    assert crew.sample(PROMPTS, SAMPLING, BASE, 2) == EXPECTED


def test_a_share_whose_worker_died_is_done_by_the_learner(lease, storage, valkey_url, monkeypatch):
    monkeypatch.setattr(rollouts, "CLAIM_S", 1)

    def claimed_and_lost(update_id, attempt, number, share):
        if share == 0:
            assert rollouts._claim(rollouts._place(update_id, attempt, number), share)

    engine = CountingEngine()
    crew = Crew(engine, storage, lease, 1, features, claimed_and_lost)

    assert crew.sample(PROMPTS, SAMPLING, BASE, 2) == EXPECTED
    assert sorted(engine.asked) == PROMPTS


def test_a_worker_whose_engine_is_down_leaves_its_share_to_others(lease, storage, valkey_url):
    own, broken = CountingEngine(takes_s=0.05), CountingEngine(is_down=True)
    with helping(storage, broken) as (ask, done):
        crew = Crew(own, storage, lease, 1, features, ask)

        assert crew.sample(PROMPTS, SAMPLING, BASE, 2) == EXPECTED

    assert not any(was_done for _, was_done in done)


def test_the_learners_own_engine_that_is_down_is_an_error(lease, storage, valkey_url):
    crew = Crew(CountingEngine(is_down=True), storage, lease, 1, features, lambda *_: None)

    with pytest.raises(EngineUnavailable):
        crew.sample(PROMPTS, SAMPLING, BASE, 2)


def test_a_share_of_a_lease_that_was_lost_is_refused(lease, storage, valkey_url):
    Update.objects.update(attempts=2)
    engine = CountingEngine()

    assert not help_out(lease.update_id, lease.attempt, 1, 0, storage, engine, features)
    assert engine.asked == []


def test_a_share_that_was_collected_already_is_not_done_again(lease, storage, valkey_url):
    engine = CountingEngine()

    assert not help_out(lease.update_id, lease.attempt, 1, 0, storage, engine, features)
    assert engine.asked == []


def test_nobodys_prompts_stay_in_the_storage(lease, storage, valkey_url):
    with helping(storage, CountingEngine()) as (ask, _):
        crew = Crew(CountingEngine(takes_s=0.05), storage, lease, 1, features, ask)
        crew.sample(PROMPTS, SAMPLING, BASE, 2)
    crew.clear_away()

    assert [path for path in storage.cache.parent.rglob("*") if path.is_file()] == []


def test_shares_travel_through_an_object_store(lease, tmp_path, valkey_url):
    policy = Policy("training-1", "s3://danas/adapters/1", "ab" * 32)
    with s3.running() as server:
        here = Storage("s3://danas", tmp_path / "here", server.options)
        there = Storage("s3://danas", tmp_path / "there", server.options)
        own, other = CountingEngine(takes_s=0.2), CountingEngine()
        with helping(there, other) as (ask, done):
            crew = Crew(own, here, lease, 1, features, ask)

            assert crew.sample(PROMPTS, SAMPLING, policy, 2) == EXPECTED

        assert any(was_done for _, was_done in done)
        crew.clear_away()
        assert here.read(here.address(f"rollouts/{lease.update_id.hex}/1/1/job.json")) is None
