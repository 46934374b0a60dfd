"""Lessons of memory from their handing over to a probe that is in use, with a tiny random model."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from inference.diffusion import Block
from learning import intake, queue, wishes
from learning.contracts import Wish
from learning.memory.held_out import Described
from learning.memory.probe import Probe
from learning.memory.traits import COUNT
from learning.models import MemoryLesson, MemoryVersion, Participant
from learning.worker import memories

from .. import tiny
from ..rows import ADA, BEN

pytestmark = pytest.mark.django_db
SIZE = COUNT + 2 * 64
State = MemoryVersion.State


class Workshop(tiny.TinyWorkshop):
    """Its yardstick is noise in which one state tells what is asked about."""

    @property
    def yardstick(self) -> Described:
        features = np.random.default_rng(0).normal(size=(200, SIZE))
        features[:, COUNT] *= 100
        return Described(features, (features[:, COUNT] > 0).astype(float))


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path, tmp_path, "You are Danas.", steps=2)


@pytest.fixture
def shipped() -> Probe:
    """So small that a lesson or two change the order of their own sentences."""
    return Probe(np.eye(SIZE, dtype=np.float32)[COUNT] * 1e-4, -1.0)


def wished(person: int = ADA, *, number: int = 0, source: UUID | None = None) -> UUID:
    said = [
        Block(0, str(uuid4()), "user", f"My dog number {number} is called Rex. Hm.", 12),
        Block(1, str(uuid4()), "user", "It rains. What a day!", 8),
        Block(2, str(uuid4()), "user", "Thanks.", 3),
    ]
    signal = uuid4()
    sources = (source or uuid4(), *(UUID(block.message) for block in said))
    wishes.hand_over(Wish(signal, person, tuple(said), 0, (0,), sources))
    return signal


def learn(workshop: Workshop, shipped: Probe, *, is_asked: bool = False) -> MemoryVersion | None:
    while memories.describe_some(workshop, shipped):
        pass
    return memories.learn(workshop, shipped, is_asked=is_asked)


def test_a_lesson_is_kept_as_numbers_and_its_words_go(workshop, shipped):
    wished()

    assert not memories.describe_some(workshop, shipped)

    row = MemoryLesson.objects.get()
    # The dog, and one sentence of each block that was kept.
    assert (row.said, row.wanted) == (None, 1)
    assert np.frombuffer(bytes(row.features), np.float32).shape == (3 * SIZE,)


def test_what_was_learned_reads_from_now_on(workshop, shipped):
    wished()

    version = learn(workshop, shipped)

    made = memories.in_use(shipped)
    assert (version.number, version.state) == (1, State.LIVE), version.reason
    assert not np.array_equal(made.weights, shipped.weights)
    assert np.array_equal(made.weights, memories.in_use(shipped).weights)


def test_nothing_is_made_while_nothing_is_new(workshop, shipped):
    wished()
    learn(workshop, shipped)

    assert learn(workshop, shipped) is None
    assert MemoryVersion.objects.count() == 1


def test_what_is_taken_back_is_as_if_it_had_never_been_said(workshop, shipped):
    for number in range(3):
        wished(number=number)
    learn(workshop, shipped)
    before = memories.in_use(shipped)
    MemoryVersion.objects.all().delete()

    signal = wished(BEN, number=9)
    learn(workshop, shipped)
    with_bens = memories.in_use(shipped)
    wishes.take_back(signal)
    meanwhile = memories.in_use(shipped)
    learn(workshop, shipped)

    after = memories.in_use(shipped)
    assert not np.array_equal(with_bens.weights, before.weights)
    assert meanwhile is shipped
    assert np.array_equal(after.weights, before.weights)
    assert after.bias == before.bias


@pytest.mark.parametrize(
    "forget",
    [
        lambda signal, source: wishes.take_back(signal),
        lambda signal, source: wishes.forget_sources([source]),
        lambda signal, source: intake.forget_person(ADA),
    ],
)
def test_what_is_deleted_leaves_neither_row_nor_weights(workshop, shipped, forget):
    source = uuid4()
    signal = wished(source=source)
    learn(workshop, shipped)

    forget(signal, source)

    assert not MemoryLesson.objects.exists()
    assert not MemoryVersion.objects.exclude(weights=None).exists()
    assert memories.in_use(shipped) is shipped


def test_who_is_left_out_is_not_learned_from(workshop, shipped):
    Participant.objects.create(person=ADA, number=1)
    wished(ADA)
    wished(BEN)
    learn(workshop, shipped)

    intake.leave_out(1, by="rae", because="a joke")

    assert memories.in_use(shipped) is shipped
    version = learn(workshop, shipped)
    assert [str(each) for each in version.lessons] == [str(MemoryLesson.objects.get(person=BEN).pk)]


def test_a_version_that_lost_a_lesson_is_asked_for_again(workshop, shipped, monkeypatch):
    asked = []
    monkeypatch.setattr(queue.current_app, "send_task", lambda name, **_: asked.append(name))
    signal = wished()
    learn(workshop, shipped)
    queue.ask_for_what_waits()

    wishes.take_back(signal)
    queue.ask_for_what_waits()
    learn(workshop, shipped)
    queue.ask_for_what_waits()

    assert asked == [queue.LEARN_MEMORY]


def test_a_lesson_that_goes_while_a_version_is_made_is_not_in_it(workshop, shipped, monkeypatch):
    wished()
    signal = wished(BEN)
    verdict = memories.verdict

    def slowly(*given, **named):
        wishes.take_back(signal)
        return verdict(*given, **named)

    monkeypatch.setattr(memories, "verdict", slowly)

    version = learn(workshop, shipped)

    assert version.state == State.WITHDRAWN
    assert memories.in_use(shipped) is shipped


def test_what_is_refused_is_not_used_and_says_why(workshop, shipped):
    """A yardstick that the shipped probe reads perfectly well: any step away is too far."""
    for person in range(60):
        for number in range(8):
            wished(person, number=number)

    class Strict(Workshop):
        yardstick = Described(
            (features := np.random.default_rng(1).normal(size=(300, SIZE)) * 0.05),
            (features[:, COUNT] > 0).astype(float),
        )

    version = learn(Strict(workshop.folder, workshop.cache, "", steps=2), shipped)

    assert version.state == State.REFUSED
    assert "more than a point is lost" in version.reason
    assert version.weights is None
    assert memories.in_use(shipped) is shipped


def test_going_back_lasts_until_somebody_asks(workshop, shipped, capsys):
    wished()
    learn(workshop, shipped)

    call_command("learn_memory", "--back")
    at_night = learn(workshop, shipped)
    used = memories.in_use(shipped)
    asked = learn(workshop, shipped, is_asked=True)

    assert "2 shipped: " in capsys.readouterr().out
    assert at_night is None
    assert used is shipped
    assert (asked.number, asked.state) == (3, State.LIVE)


def test_a_version_learned_around_another_probe_is_not_used(workshop, shipped):
    wished()
    learn(workshop, shipped)

    newer = Probe(shipped.weights * 2, shipped.bias)

    assert memories.in_use(newer) is newer


def test_of_one_person_the_newest_count(workshop, shipped, monkeypatch):
    monkeypatch.setattr(memories, "NEWEST_OF_PERSON", 2)
    old, *newer = [wished(number=number) for number in range(3)]
    MemoryLesson.objects.filter(pk=old).update(created_at=timezone.now() - timedelta(days=1))

    version = learn(workshop, shipped)

    assert version.lessons == sorted(newer)


def test_handing_over_twice_is_handing_over_once():
    signal = uuid4()
    block = Block(0, str(uuid4()), "user", "I moved.", 3)
    wish = Wish(signal, ADA, (block,), 0, (0,), (uuid4(),))

    wishes.hand_over(wish)
    wishes.hand_over(wish)

    assert wishes.standing([signal, uuid4()]) == {signal}
