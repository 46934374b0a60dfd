import asyncio
import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.utils import timezone

from inference.contracts import ChatMessage
from inference.diffusion import Block
from learning import intake, queue
from learning.errors import NobodyReads, RewardUnavailable
from learning.models import Judgement, RewardVersion, Update

from .rows import judged, remembered

pytestmark = pytest.mark.django_db
# Far more than anything here takes, on a busy machine too.
PATIENCE_S = 60.0


@pytest.fixture
def asked(monkeypatch):
    """What was asked of Celery: names, arguments and options."""
    sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, **options: sent.append((name, options))
    )
    return sent


def later(seconds: float, act) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_what_is_asked_of_the_reward_worker_reaches_its_queue():
    route = current_app.amqp.router.route

    for name in (queue.CATCH_UP, queue.ESTIMATE, queue.READ, queue.LEARN_MEMORY, queue.REFIT):
        assert route({}, name)["queue"].name == "reward"


def test_an_update_is_asked_for_by_name_and_id(asked):
    update = uuid4()

    queue.ask_update(update)

    assert asked == [("learning.policy.run_update", {"args": [str(update)]})]


def test_a_version_that_is_already_there_is_not_waited_for():
    feedback = judged(remembered())
    Judgement.objects.update(version=7)

    started = time.monotonic()
    version = queue.reward_version_of(feedback, timeout_s=PATIENCE_S)

    assert version == 7
    assert time.monotonic() - started < PATIENCE_S / 2


def test_the_caller_is_woken_up_when_the_judgement_was_taken_in():
    feedback = judged(remembered())
    timer = later(0.2, lambda: queue.push(queue.reward_key(feedback), 3))

    started = time.monotonic()
    version = queue.reward_version_of(feedback, timeout_s=PATIENCE_S)
    timer.join()

    assert version == 3
    assert time.monotonic() - started < PATIENCE_S / 2


def test_a_judgement_that_is_not_taken_in_in_time_has_no_version_yet():
    feedback = judged(remembered())

    assert queue.reward_version_of(feedback, timeout_s=0.1) is None
    assert queue.reward_version_of(feedback, timeout_s=0) is None


def test_an_estimate_is_what_the_reward_worker_answers(asked):
    def answer():
        while not asked:
            time.sleep(0.01)
        messages, response, key, person = asked[0][1]["args"]
        assert messages == [{"role": "user", "content": "Hello?"}]
        assert (response, person) == ("Hi.", 7)
        queue.push(key, '{"mean": 0.5, "sd": 0.1, "version": 4}')

    timer = later(0, answer)
    estimate = queue.estimate([ChatMessage("user", "Hello?")], "Hi.", timeout_s=10, person=7)
    timer.join()

    assert (estimate.mean, estimate.sd, estimate.version) == (0.5, 0.1, 4)


BLOCKS = [Block(4, "m", "user", "Yes.", 2), Block(7, "n", "user", "I moved to Cebu.", 5)]


def test_what_is_worth_remembering_is_what_the_reward_worker_reads(asked):
    def answer():
        while not asked:
            time.sleep(0.01)
        blocks, unread, key = asked[0][1]["args"]
        assert [tuple(block) for block in blocks] == [
            (4, "user", "Yes.", 2),
            (7, "user", "I moved to Cebu.", 5),
        ]
        assert unread == [7]
        queue.push(key, '{"7": [1.5]}')

    timer = later(0, answer)
    needs = asyncio.run(queue.needs(BLOCKS, {7}, timeout_s=10))
    timer.join()

    assert needs == {7: [1.5]}


def test_a_base_model_without_a_probe_says_what_to_do(asked):
    def answer():
        while not asked:
            time.sleep(0.01)
        queue.push(asked[0][1]["args"][2], "null")

    timer = later(0, answer)
    with pytest.raises(NobodyReads, match="train_memory"):
        asyncio.run(queue.needs(BLOCKS, {7}, timeout_s=10))
    timer.join()


def test_nothing_is_read_without_a_reward_worker(asked):
    with pytest.raises(NobodyReads):
        asyncio.run(queue.needs(BLOCKS, {7}, timeout_s=0.1))


def test_no_estimate_without_a_reward_worker(asked):
    with pytest.raises(RewardUnavailable):
        queue.estimate([], "Hi.", timeout_s=0.1)


def test_nothing_is_asked_again_while_nothing_waits(asked):
    RewardVersion.objects.create(number=1, head=b"head")

    queue.ask_for_what_waits()

    assert asked == []


def test_what_was_asked_for_a_moment_ago_is_not_asked_again(asked):
    judged(remembered())
    intake.request_update("Ada", canary=False)

    queue.ask_for_what_waits()

    assert asked == []


def test_a_judgement_that_waits_too_long_is_asked_for_again(asked):
    judged(remembered())
    Judgement.objects.update(created_at=timezone.now() - timedelta(minutes=1))

    queue.ask_for_what_waits()

    assert asked == [(queue.CATCH_UP, {"expires": 10.0})]


def test_a_head_that_must_be_built_anew_is_asked_for(asked):
    RewardVersion.objects.create(number=1, head=None)

    queue.ask_for_what_waits()

    assert [name for name, _ in asked] == [queue.CATCH_UP]


def test_an_update_whose_learner_died_is_asked_for_again(asked):
    dead = timezone.now() - timedelta(minutes=1)
    update = Update.objects.create(
        requested_by="Ada", state=Update.State.TRAINING, heartbeat_at=dead, attempts=1
    )

    queue.ask_for_what_waits()

    assert asked == [(queue.RUN_UPDATE, {"args": [str(update.pk)], "expires": 10.0})]


def test_an_update_that_gives_signs_of_life_is_left_alone(asked):
    Update.objects.create(
        requested_by="Ada", state=Update.State.TRAINING, heartbeat_at=timezone.now(), attempts=1
    )

    queue.ask_for_what_waits()

    assert asked == []
