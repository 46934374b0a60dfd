import pytest

from learning.config import RewardConfig
from learning.reward.caps import Tally, in_folds

CONFIG = RewardConfig(crowd=5, free_weight=8.0, largest_share=0.05, fair_shares=1.5)


def tally(**weights: float) -> Tally:
    made = Tally()
    for name, weight in weights.items():
        made = made.with_weight(int(name[1:]), weight)
    return made


def test_a_few_people_have_no_cap():
    four = tally(p1=1000.0, p2=1.0, p3=1.0, p4=1.0)

    assert four.share_of(1, 2.0, CONFIG) == 1


def test_everybody_may_weigh_something():
    five = tally(p1=7.0, p2=0.0, p3=0.0, p4=0.0, p5=0.0)

    # Eight points are free, whatever the others said: one more is left.
    assert five.share_of(1, 2.0, CONFIG) == pytest.approx(0.5)
    assert five.with_weight(1, 1.0).share_of(1, 2.0, CONFIG) == 0


def test_of_a_few_people_each_has_somewhat_more_than_an_equal_part():
    five = tally(p1=30.0, p2=30.0, p3=20.0, p4=20.0, p5=0.0)

    # One and a half fifths of 100 are reached; with w more it is 0.3 · (100 + w): nothing is left.
    assert five.share_of(1, 1.0, CONFIG) == 0
    assert five.share_of(5, 1.0, CONFIG) == 1


def test_people_who_say_as_much_as_each_other_can_go_on():
    made, taken = Tally(), 0.0
    for number in range(700):
        share = made.share_of(number % 7, 1.0, CONFIG)
        made, taken = made.with_weight(number % 7, share), taken + share

    assert taken == 700


def test_of_many_people_each_has_a_twentieth():
    many = tally(p0=14.0, **{f"p{number}": 10.0 for number in range(1, 31)})

    # Of 31: 14 + w = 0.05 · (314 + w), so w = 1.7 / 0.95.
    assert many.share_of(0, 2.0, CONFIG) == pytest.approx(1.7 / 0.95 / 2)


def test_a_newcomer_is_one_of_the_people():
    four = tally(p1=50.0, p2=50.0, p3=50.0, p4=50.0)

    # The fifth may weigh 0.3 of everything, themselves included: w = 0.3 · (200 + w).
    assert four.share_of(5, 100.0, CONFIG) == pytest.approx(60 / 0.7 / 100)


def test_half_of_the_folds_hear_a_judgement_twice():
    heard = in_folds(7, "event", people=20, config=CONFIG)

    assert sorted(heard) == [0.0] * 4 + [2.0] * 4


def test_of_many_people_each_is_in_the_same_folds_always():
    assert in_folds(7, "one", 5, CONFIG) == in_folds(7, "other", 5, CONFIG)
    assert len({in_folds(person, "", 5, CONFIG) for person in range(50)}) > 20


def test_every_fold_hears_something_of_a_single_person():
    heard = [in_folds(7, str(number), people=1, config=CONFIG) for number in range(20)]

    assert all(sum(fold) > 0 for fold in zip(*heard, strict=True))
