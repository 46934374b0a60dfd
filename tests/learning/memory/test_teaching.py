"""What people wished had been kept moves the probe: as far as several agree, and never further
than the gates allow."""

from __future__ import annotations

import numpy as np
import pytest

from learning.memory.held_out import Described
from learning.memory.probe import Probe
from learning.memory.teaching import MOST_OF_PERSON, Taught, order, taught, verdict
from learning.memory.traits import COUNT

# Traits, and a few states: the first of these tells what is asked about in the yardstick.
ASKED, ANIMALS, WEATHER = COUNT, COUNT + 1, COUNT + 2
SIZE = COUNT + 40


def one_hot(place: int, value: float = 1.0) -> np.ndarray:
    return np.eye(SIZE, dtype=np.float32)[place] * value


@pytest.fixture(scope="module")
def yardstick() -> Described:
    features = np.random.default_rng(0).normal(size=(400, SIZE))
    return Described(features, (features[:, ASKED] > 0).astype(float))


@pytest.fixture
def shipped() -> Probe:
    """Its weights are as small as those of a probe in use, which has more than a thousand."""
    return Probe(one_hot(ASKED, 0.05), -1.0)


def wish(person: int = 1, *, seed: int = 0, towards: int = ANIMALS) -> Taught:
    """Two sentences of one kind that should have been kept, and three others."""
    noise = np.random.default_rng([person, seed]).normal(size=(5, SIZE)).astype(np.float32)
    wanted = noise[:2] + 5 * one_hot(towards)
    return Taught(person, wanted, noise[2:])


def wishes(people: int, each: int = 8, *, towards: int = ANIMALS) -> list[Taught]:
    return [wish(p, seed=n, towards=towards) for p in range(people) for n in range(each)]


def test_one_pair_moves_the_probe_as_worked_out_by_hand():
    """A single pair, apart by 2 in one standardised state, about which the probe is undecided.

    The shift s along it solves s = 5e-5 · 2 / (1 + exp(2 s)): 5e-5, as s is next to nothing.
    """
    # Of deviation 1; traits would count double.
    yardstick = Described(np.array([[1.0], [-1.0]]) * np.ones(SIZE), np.array([1.0, 0.0]))
    other = one_hot(ANIMALS, -2.0)
    lesson = Taught(1, np.zeros((1, SIZE), np.float32), other[None])

    made = taught(Probe(np.zeros(SIZE, np.float32), 0.0), [lesson], yardstick)

    assert made.weights[ANIMALS] == pytest.approx(5e-5, rel=1e-3)
    assert np.count_nonzero(made.weights) == 1


def test_what_many_keep_pinning_is_read_as_likelier(shipped, yardstick):
    lessons = wishes(30)

    made = taught(shipped, lessons, yardstick)

    unseen = wish(99)
    animals, others = unseen.wanted.mean(0), unseen.others.mean(0)
    # About 240 · 5 · 5e-5 / 2: nearly as much as what the shipped one goes by.
    assert made.weights[ANIMALS] == pytest.approx(0.03, abs=0.005)
    assert (animals - others) @ made.weights > (animals - others) @ shipped.weights
    assert order(made, lessons) > order(shipped, lessons)


def test_the_mean_of_what_is_read_stays(shipped, yardstick):
    made = taught(shipped, wishes(30), yardstick)

    before = shipped.log_odds(yardstick.features).mean()
    assert made.log_odds(yardstick.features).mean() == pytest.approx(before, abs=1e-5)


def test_the_same_lessons_make_the_very_same_probe(shipped, yardstick):
    lessons = wishes(3)
    more = taught(shipped, [*lessons, wish(7)], yardstick)

    again = taught(shipped, lessons, yardstick)

    assert np.array_equal(again.weights, taught(shipped, lessons, yardstick).weights)
    assert not np.array_equal(again.weights, more.weights)


def test_one_person_counts_eight_times_at_most(shipped, yardstick):
    """The same lesson again and again: a thousand times are as much as eight."""
    often = taught(shipped, [wish()] * 1000, yardstick)
    seldom = taught(shipped, [wish()] * int(MOST_OF_PERSON), yardstick)

    np.testing.assert_allclose(often.weights, seldom.weights, atol=1e-6)


def test_one_person_moves_two_sentences_apart_by_one_at_most(shipped, yardstick):
    """Of any length, about anything: 8 · 50² · 5e-5 = 1."""
    far = np.zeros((1, SIZE), np.float32)
    far[0, ANIMALS] = 1e4

    made = taught(shipped, [Taught(1, far, -far)] * 100, yardstick)

    # A pair that is 50 long, as long as most are.
    deviation = yardstick.features[:, ANIMALS].std()
    assert abs(made.weights[ANIMALS] * deviation * 50) <= 1.0


def test_a_feature_that_the_yardstick_does_not_know_is_left_alone(shipped):
    """Nothing has a picture there, so nobody can say how much one should count."""
    features = np.random.default_rng(0).normal(size=(50, SIZE))
    features[:, WEATHER] = 0.0
    yardstick = Described(features, (features[:, ASKED] > 0).astype(float))

    made = taught(shipped, wishes(20, towards=WEATHER), yardstick)

    assert made.weights[WEATHER] == 0.0
    assert np.isfinite(made.weights).all()


def test_what_orders_wishes_better_and_forgets_nothing_passes(shipped, yardstick):
    lessons = wishes(5)
    made = taught(shipped, lessons, yardstick)

    said = verdict(made, shipped=shipped, used=shipped, lessons=lessons, yardstick=yardstick)

    assert said.passed, said.reason


def test_a_hostile_teacher_is_refused(shipped, yardstick):
    """Four hundred people who want kept what nobody asks about, in place of what is asked about."""
    lessons = [
        Taught(each.person, each.others, each.wanted) for each in wishes(400, each=2, towards=ASKED)
    ]
    made = taught(shipped, lessons, yardstick)

    said = verdict(made, shipped=shipped, used=shipped, lessons=lessons, yardstick=yardstick)

    assert order(made, lessons) > order(shipped, lessons)
    assert not said.passed
    assert "more than a point is lost" in said.reason


def test_what_is_no_better_than_the_one_in_use_is_refused(shipped, yardstick):
    lessons = wishes(5)
    made = taught(shipped, lessons, yardstick)

    said = verdict(made, shipped=shipped, used=made, lessons=lessons, yardstick=yardstick)

    assert not said.passed
    assert "no better than before" in said.reason


def test_what_was_wished_for_in_part_counts_in_part(shipped):
    """Of two pairs one is in order, in another lesson its only one: (0.5 + 1) / 2."""
    half = Taught(1, one_hot(ASKED)[None], np.stack([one_hot(ASKED, 2), one_hot(ASKED, 0)]))
    whole = Taught(2, one_hot(ASKED)[None], one_hot(ASKED, -1)[None])

    assert order(shipped, [half, whole]) == pytest.approx(0.75)
