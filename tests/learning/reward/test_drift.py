import numpy as np

from learning.config import RewardConfig
from learning.reward.drift import Detector

CONFIG = RewardConfig()


def first_alarm(probabilities, people: int = 1) -> int | None:
    """Which judgement raises the alarm when so many people judge, turn about."""
    detector = Detector()
    for number, predicted in enumerate(probabilities, start=1):
        detector = detector.after(number % people, float(predicted), CONFIG, people=people)
        if detector.has_drifted(CONFIG):
            return number
    return None


def test_judgements_with_slips_raise_no_alarm():
    random = np.random.default_rng(0)

    # One judgement in five is a slip, and the head knows.
    streams = [np.where(random.random(400) < 0.2, 0.2, 0.8) for _ in range(100)]

    assert sum(first_alarm(stream) is not None for stream in streams) <= 3


def test_judgements_that_turn_raise_one_soon():
    random = np.random.default_rng(0)
    before = np.where(random.random(200) < 0.2, 0.2, 0.8)
    after = np.where(random.random(100) < 0.8, 0.2, 0.8)

    found = first_alarm(np.concatenate([before, after]))

    assert 200 < found <= 220


def test_what_the_head_expects_raises_none():
    assert first_alarm([0.5] * 50 + [0.8] * 200) is None


def test_a_head_that_knows_nothing_cannot_be_contradicted():
    assert first_alarm([0.5] * 1000) is None


def test_a_few_contradictions_raise_none():
    # ln((0.8 · 0.8 + 0.2 · 0.2) / 0.2) = 1.22 for each, and 8 nats are needed.
    assert first_alarm([0.8] * 100 + [0.2] * 6) is None
    assert first_alarm([0.8] * 100 + [0.2] * 7) == 107


def test_two_of_a_crowd_cannot_pass_for_a_change_of_everybody_s_mind():
    detector = Detector()
    for number in range(200):
        detector = detector.after(number % 2, 0.2, CONFIG, people=20)

    # A quarter of the limit each.
    assert detector.climbed == 0.5 * CONFIG.drift_limit
    assert not detector.has_drifted(CONFIG)


def test_a_crowd_that_turns_is_noticed():
    assert first_alarm([0.8] * 100 + [0.2] * 60, people=20) is not None


def test_judgements_that_have_nothing_to_do_with_the_head_s_view_raise_one():
    random = np.random.default_rng(0)

    assert first_alarm(np.where(random.random(400) < 0.5, 0.25, 0.75)) is not None
