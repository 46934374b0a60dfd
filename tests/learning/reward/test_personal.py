import numpy as np
import pytest

from learning.config import RewardConfig
from learning.reward.model import Head, Silence, Thumb
from learning.reward.personal import Effect, effect_of

CONFIG = RewardConfig()
LIKED = np.array([1.0, 0.0, 0.0], dtype=np.float32)
OTHER = np.array([0.0, 1.0, 0.0], dtype=np.float32)


def common(*thumbs: Thumb) -> Head:
    head = Head.prior(3, CONFIG)
    for thumb in thumbs:
        head = head.after(thumb, CONFIG)
    return head


EVERYBODY = common(*[Thumb(LIKED, is_up=True), Thumb(OTHER, is_up=False)] * 20)


def test_somebody_with_other_tastes_is_told_apart():
    own = [Thumb(LIKED, is_up=False), Thumb(OTHER, is_up=True)] * 6

    effect = effect_of(own, EVERYBODY, CONFIG)

    assert EVERYBODY.estimate(LIKED)[0] > EVERYBODY.estimate(OTHER)[0]
    assert effect.estimate(EVERYBODY, LIKED)[0] < effect.estimate(EVERYBODY, OTHER)[0]


def test_of_somebody_with_everybodys_tastes_little_is_left_to_explain():
    alike = effect_of([Thumb(LIKED, is_up=True)] * 8, EVERYBODY, CONFIG)
    unlike = effect_of([Thumb(LIKED, is_up=False)] * 8, EVERYBODY, CONFIG)

    assert abs(alike.shift(LIKED)[0]) < 0.4 * abs(unlike.shift(LIKED)[0])


def test_what_is_unknown_of_a_person_comes_on_top():
    effect = effect_of([Thumb(LIKED, is_up=True)] * 8, EVERYBODY, CONFIG)

    assert effect.estimate(EVERYBODY, OTHER)[1] > EVERYBODY.estimate(OTHER)[1]


def test_a_few_judgements_make_no_effect():
    assert effect_of([Thumb(LIKED, is_up=True)] * 4 + [Silence()] * 9, EVERYBODY, CONFIG) is None


def test_an_effect_is_stored_to_seven_digits():
    effect = effect_of([Thumb(LIKED, is_up=False)] * 8, EVERYBODY, CONFIG)

    again = Effect.from_bytes(effect.to_bytes())

    np.testing.assert_allclose(again.mean, effect.mean, rtol=1e-6)
    np.testing.assert_allclose(again.covariance, effect.covariance, rtol=1e-6)


def test_bytes_of_something_else_are_refused():
    with pytest.raises(ValueError, match="no person's effect"):
        Effect.from_bytes(b"x" * 100)
