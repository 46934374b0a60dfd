import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.config import RewardConfig
from learning.reward.model import Head, Pair, Silence, Thumb

CONFIG = RewardConfig()
EXACT = RewardConfig(flip_rate=0.0, up_weight=1.0, down_weight=1.0, prior_sd=1.0, bias_sd=1.0)


def features(seed: int, dimensions: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=dimensions).astype(np.float32)


def after(*events, config=CONFIG) -> Head:
    head = Head.prior(6, config)
    for event in events:
        head = head.after(event, config)
    return head


def test_one_thumb_moves_the_head_to_the_mode_worked_out_by_hand():
    one = np.array([1.0], dtype=np.float32)

    head = Head.prior(1, EXACT).after(Thumb(one, is_up=True), EXACT)

    # Prior variance along (1, 1) is 2, so the mode solves s = 2 · (1 - logistic(s)).
    mode, sd = head.estimate(one)
    assert mode == pytest.approx(2 * (1 - 1 / (1 + math.exp(-mode))), abs=1e-9)
    # Fisher's information there is p(1 - p), and 1/variance grows by it from 1/2.
    p = 1 / (1 + math.exp(-mode))
    assert sd**2 == pytest.approx(1 / (0.5 + p * (1 - p)))


def test_up_raises_and_down_lowers_what_is_thought_of_an_answer():
    answer = features(0)

    up, down = after(Thumb(answer, is_up=True)), after(Thumb(answer, is_up=False))

    assert up.estimate(answer)[0] > 0 > down.estimate(answer)[0]


def test_a_down_weighs_more_than_an_up():
    answer = features(0)

    both = after(Thumb(answer, is_up=True), Thumb(answer, is_up=False))

    assert both.estimate(answer)[0] < 0


def test_a_pair_puts_the_better_answer_above_the_worse():
    better, worse = features(0), features(1)

    head = after(Pair(better, worse))

    assert head.estimate(better)[0] > head.estimate(worse)[0]


def test_a_pair_says_nothing_about_how_good_both_are():
    head = after(Pair(features(0), features(1)))

    assert head.mean[-1] == 0
    assert head.covariance[-1, -1] == CONFIG.bias_sd**2


def test_swapping_a_pair_mirrors_the_head():
    there, back = after(Pair(features(0), features(1))), after(Pair(features(1), features(0)))

    np.testing.assert_allclose(there.mean, -back.mean, atol=1e-12)


def test_silence_counts_and_changes_nothing():
    head = after(Silence())

    assert head.taken_in == 1
    np.testing.assert_array_equal(head.mean, Head.prior(6, CONFIG).mean)


def test_many_judgements_make_the_head_surer():
    answer = features(0)
    sds = [after(*[Thumb(answer, is_up=True)] * n).estimate(answer)[1] for n in (0, 1, 4, 16)]

    assert sds == sorted(sds, reverse=True)


def test_one_slip_among_many_judgements_is_forgiven():
    answer = features(0)
    agreed = [Thumb(answer, is_up=True)] * 20
    before = after(*agreed).estimate(answer)[0]

    slipped = after(*agreed, Thumb(answer, is_up=False)).estimate(answer)[0]

    assert 0 < slipped < before


def test_probabilities_of_up_and_down_add_up_to_one_and_leave_room_for_slips():
    head = after(*[Thumb(features(0), is_up=True)] * 50)

    up = head.probability(Thumb(features(0), is_up=True), CONFIG)
    down = head.probability(Thumb(features(0), is_up=False), CONFIG)

    assert up + down == pytest.approx(1)
    assert 0.5 < up < 0.9


def test_a_hidden_preference_is_found():
    random = np.random.default_rng(0)
    answers = random.normal(size=(300, 6)).astype(np.float32)
    liked = answers[:, 0] + 0.5 * answers[:, 1] > 0
    head = after(*[Thumb(a, is_up=bool(y)) for a, y in zip(answers[:100], liked, strict=False)])

    right = [
        (head.estimate(answer)[0] > 0) == like
        for answer, like in zip(answers[100:], liked[100:], strict=True)
    ]

    assert np.mean(right) > 0.85


events = st.lists(
    st.one_of(
        st.builds(Thumb, st.integers(0, 9).map(features), is_up=st.booleans()),
        st.builds(Pair, st.integers(0, 9).map(features), st.integers(10, 19).map(features)),
        st.just(Silence()),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(events)
def test_a_head_stays_a_distribution(events):
    head = after(*events)

    np.testing.assert_array_equal(head.covariance, head.covariance.T)
    assert np.linalg.eigvalsh(head.covariance).min() > 0


@settings(deadline=None, max_examples=30)
@given(events)
def test_a_head_that_was_stored_after_each_event_is_the_same_bit_for_bit(events):
    stored = Head.prior(6, CONFIG)
    for event in events:
        stored = Head.from_bytes(stored.to_bytes()).after(event, CONFIG)

    assert stored.to_bytes() == after(*events).to_bytes()


def test_bytes_of_something_else_are_refused():
    with pytest.raises(ValueError, match="no reward head"):
        Head.from_bytes(b"x" * 100)
