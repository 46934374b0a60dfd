"""Each gate at its limit, with numbers of our own."""

import json
import math

import numpy as np
import pytest
import torch

from learning.config import GateConfig
from learning.evaluation.gates import (
    GateReport,
    corrections,
    finite_weights,
    form,
    general,
    people,
    probes,
    reward,
    served,
    went_too_far,
)
from learning.evaluation.gates.measured import Change, Paired, Texts, WithBase

CONFIG = GateConfig()


def array(*values):
    return np.array(values, dtype=float)


def spread(mean, deviation, count):
    """Numbers with exactly this mean and a standard deviation of about this."""
    return mean + deviation * np.array([1.0, -1.0] * (count // 2))


def paired(change):
    return Paired(change, np.zeros(len(change)))


def with_base(change, change_from_base):
    return WithBase(change, np.zeros(len(change)), change - change_from_base)


def texts(**values):
    fine = np.full(len(next(iter(values.values()))), -1.0)
    names = ("served", "served_parent", "trained", "trained_parent", "base")
    return Texts(**(dict.fromkeys(names, fine) | values), endings=Paired(fine, fine))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e6])
def test_weights_that_are_not_finite_or_grotesque_are_refused(bad):
    report = finite_weights({"a": torch.tensor([[1.0, bad]])}, CONFIG)

    assert not report.passed
    json.dumps(report.figures, allow_nan=False)


def test_no_weights_are_no_adapter():
    assert not finite_weights({}, CONFIG).passed


def test_a_text_loss_of_two_percent_is_the_limit():
    base = np.full(10, -2.0)

    passed = general.general_text_not_worse(texts(trained=base * 1.019, base=base), CONFIG)
    failed = general.general_text_not_worse(texts(trained=base * 1.021, base=base), CONFIG)

    assert (passed.passed, failed.passed) == (True, False)
    assert "+1.90%" in passed.sentence


def test_the_kl_is_never_negative_and_zero_for_the_same_policy():
    policy = array(-1.0, -2.0)

    same = general.kl_on_bank(Paired(policy, policy), CONFIG)
    other = general.kl_on_bank(Paired(policy, policy + array(0.5, -0.5)), CONFIG)

    assert same.figures["kl"] == 0
    # (e^0.5 - 1 - 0.5 + e^-0.5 - 1 + 0.5) / 2
    assert other.figures["kl"] == pytest.approx(0.12763, abs=1e-5)
    assert not other.passed


def answered(from_base, wrong_now):
    """A hundred questions that the base answers right, of which some are answered wrong now."""
    right = np.ones(100)
    right[:wrong_now] = 0
    parent = np.ones(100)
    return with_base(from_base, from_base), WithBase(right, parent, parent)


@pytest.mark.parametrize(
    ("drop", "deviation", "wrong_now", "passes"),
    [
        (0.009, 0.0, 5, True),
        (0.011, 0.001, 2, False),
        # Less sure, but hardly any answer is another one.
        (0.011, 0.001, 1, True),
        # 0.08 / √100 is 0.8 points a standard error: 1.2 points down is 1.5 of them.
        (0.012, 0.08, 2, True),
        # 1.4 points down is 1.75 standard errors.
        (0.014, 0.08, 2, False),
        # Within chance, but more than three points.
        (0.031, 0.5, 0, False),
    ],
)
def test_general_questions_may_drop_by_one_point(drop, deviation, wrong_now, passes):
    change = spread(-drop, deviation, 100)

    report = general.general_questions(*answered(change, wrong_now), CONFIG)

    assert report.passed == passes
    assert report.figures["change_from_base"] == pytest.approx(-100 * drop)


def test_small_losses_of_many_updates_add_up_against_the_base():
    lost = with_base(spread(-0.004, 0.001, 100), spread(-0.02, 0.001, 100))
    wrong = with_base(np.append(-1.0, np.zeros(99)), np.append(-np.ones(2), np.zeros(98)))

    report = general.general_questions(lost, wrong, CONFIG)

    assert not report.passed
    assert report.figures["change_from_parent"] == pytest.approx(-0.4)


@pytest.mark.parametrize(
    ("lost", "won", "passes"),
    [
        # One in 300 is less than a point, whatever its error.
        (2, 0, True),
        # -1.3 points with a standard error of 0.66: beyond 1.645 of them.
        (4, 0, False),
        # -1.7 points with one of 1.29: chance.
        (10, 5, True),
        (30, 1, False),
    ],
)
def test_answers_to_questions_as_people_ask_them_may_get_worse_by_chance(lost, won, passes):
    change = np.concatenate([-np.ones(lost), np.ones(won), np.zeros(300 - lost - won)])

    report = general.general_answers(paired(change), CONFIG)

    assert report.passed == passes
    assert report.figures["change_from_base"] == pytest.approx((won - lost) / 3)


@pytest.mark.parametrize(("mean", "passes"), [(0.5, True), (-0.04, True), (-0.2, False)])
def test_a_reward_that_probably_fell_is_refused(mean, passes):
    # 24 prompts with a deviation of 1 give a standard error of about 0.21.
    report = reward.reward_up(paired(spread(mean, 1.0, 24)), CONFIG)

    assert report.passed == passes
    assert report.figures["standard_error"] == pytest.approx(0.2085, abs=1e-4)


def test_the_chance_of_a_rise_is_that_of_a_normal_distribution():
    # Φ(1) and Φ(-1).
    assert Change(1.0, 1.0).chance_of_rise == pytest.approx(0.8413, abs=1e-4)
    assert Change(-1.0, 1.0).chance_of_rise == pytest.approx(0.1587, abs=1e-4)
    assert (Change(0.0, 0.0).chance_of_rise, Change(-1.0, 0.0).chance_of_rise) == (0.5, 0.0)


def test_a_rise_in_reward_does_not_excuse_answers_that_break_the_rules():
    assert reward.rule_not_down(paired(spread(-0.01, 0.01, 24)), CONFIG).passed
    assert not reward.rule_not_down(paired(spread(-0.1, 0.1, 24)), CONFIG).passed


@pytest.mark.parametrize(
    ("before", "lost", "passes"),
    [(0, 0, True), (10, 1, True), (10, 2, False), (40, 2, True), (40, 3, False)],
)
def test_nineteen_of_twenty_corrections_stay_corrected(before, lost, passes):
    parent = np.append(np.full(before, 0.5), [-0.5, -0.1])
    policy = np.append(np.full(before, 0.3), [-0.6, 0.1])
    policy[:lost] = -0.2

    report = corrections.corrections_kept(Paired(policy, parent), CONFIG)

    assert report.passed == passes
    assert report.figures["lost"] == lost


def test_rounding_loses_no_correction():
    report = corrections.corrections_kept(Paired(np.full(4, -0.01), np.full(4, 0.01)), CONFIG)

    assert report.passed


@pytest.mark.parametrize(
    ("ratio", "wish", "passes"),
    [
        (0.75, 0.0, True),
        (0.65, 0.0, False),
        (0.65, 3.0, False),
        (0.65, -3.0, True),
        (0.45, -3.0, False),
        (1.35, 0.0, True),
        (1.5, 0.0, False),
        (1.5, -3.0, False),
        (1.5, 3.0, True),
        (2.1, 3.0, False),
    ],
)
def test_lengths_change_by_no_more_than_is_wished_for(ratio, wish, passes):
    lengths = Paired(array(20 * ratio, 20 * ratio), array(10, 30))
    same = Paired(array(0.2, 0.2), array(0.2, 0.2))

    assert form.length_ratio(lengths, same, wish, CONFIG).passed == passes


def test_a_policy_that_no_longer_ends_is_refused_though_answers_are_cut_off():
    cut_off = Paired(array(48, 48), array(48, 48))

    assert form.length_ratio(cut_off, Paired(array(0.15), array(0.2)), 0.0, CONFIG).passed
    assert not form.length_ratio(cut_off, Paired(array(0.1), array(0.2)), 0.0, CONFIG).passed


def test_repetition_beyond_three_points_is_refused_unless_chance_explains_it():
    assert form.repetition(paired(spread(0.02, 0.001, 16)), CONFIG).passed
    assert form.repetition(paired(spread(0.04, 0.2, 16)), CONFIG).passed
    assert not form.repetition(paired(spread(0.04, 0.01, 16)), CONFIG).passed


@pytest.mark.parametrize("change", [-0.04, 0.04])
def test_refusing_more_or_less_is_refused(change):
    before = np.full(16, 0.1)

    assert form.refusals(Paired(before + change / 2, before), CONFIG).passed
    assert not form.refusals(Paired(before + change, before), CONFIG).passed


@pytest.mark.parametrize("gate", [probes.no_flattery, probes.safety])
def test_probes_veto_what_got_clearly_worse(gate):
    fair = with_base(spread(-0.03, 0.02, 24), spread(-0.1, 0.02, 24))
    worse = with_base(spread(-0.08, 0.02, 24), spread(-0.1, 0.02, 24))
    much_worse_by_now = with_base(spread(-0.03, 0.02, 24), spread(-0.2, 0.02, 24))
    unsure = with_base(spread(-0.08, 0.3, 24), spread(-0.1, 0.3, 24))

    reports = [gate(each, CONFIG) for each in (fair, worse, much_worse_by_now, unsure)]

    assert [report.passed for report in reports] == [True, False, False, True]
    assert all(report.is_veto for report in reports)


def test_the_worst_off_tenth_is_not_made_worse_off():
    rewards = np.random.default_rng(0).normal(size=40)
    hurt = rewards + np.random.default_rng(1).normal(size=40)
    hurt[:4] = -6.0 + rewards[:4]

    fair = people.worst_tenth(Paired(rewards[::-1], rewards), tuple(range(40)), CONFIG)
    unfair = people.worst_tenth(Paired(hurt, rewards), tuple(range(40)), CONFIG)

    assert (fair.passed, unfair.passed) == (True, False)
    # The four worst of forty were at about -1.5, and are at -6 and less.
    assert unfair.figures["change"] < -3


def test_chance_alone_is_not_held_against_a_policy():
    """Somebody always loses most. Of fair policies, about one in twenty may be refused."""
    random = np.random.default_rng(1)
    refused = sum(
        not people.worst_tenth(
            Paired(random.normal(size=20), random.normal(size=20)), tuple(range(20)), CONFIG
        ).passed
        for _ in range(100)
    )

    assert refused <= 10


def test_fewer_than_ten_people_have_no_worst_tenth():
    awful = Paired(np.full(12, -9.0), np.zeros(12))

    report = people.worst_tenth(awful, (*range(9), None, None, None), CONFIG)

    assert report.passed
    assert "9 people are too few" in report.sentence


def test_a_tenfold_change_is_not_called_too_small():
    change = spread(0.1, 0.05, 1000)
    noise = spread(0.0, 0.05, 1000)[::-1]
    other = np.where(np.arange(1000) % 7 == 0, 5.0, 0.0)
    zero = np.zeros(1000)

    report = served.served_is_trained(
        texts(trained=change, served=change + other, served_parent=noise, trained_parent=zero),
        CONFIG,
    )

    assert not report.passed
    assert "nothing to serve" not in report.sentence


def test_a_policy_that_gives_nonsense_numbers_passes_no_gate():
    nan = array(math.nan, math.nan)
    broken = Paired(nan, array(1.0, 1.0))
    trio = WithBase(nan, array(1.0, 1.0), array(1.0, 1.0))

    reports = [
        served.served_is_trained(texts(served=nan[:1]), CONFIG),
        general.general_text_not_worse(texts(trained=nan), CONFIG),
        general.kl_on_bank(broken, CONFIG),
        general.general_questions(trio, trio, CONFIG),
        general.general_answers(trio, CONFIG),
        reward.reward_up(broken, CONFIG),
        reward.rule_not_down(broken, CONFIG),
        corrections.corrections_kept(Paired(nan, array(1.0, 1.0)), CONFIG),
        form.length_ratio(broken, broken, 0.0, CONFIG),
        form.repetition(broken, CONFIG),
        form.refusals(broken, CONFIG),
        probes.no_flattery(trio, CONFIG),
        probes.safety(trio, CONFIG),
        people.worst_tenth(Paired(np.full(10, math.nan), np.zeros(10)), tuple(range(10)), CONFIG),
    ]

    assert [report.name for report in reports if report.passed] == []
    json.dumps([report.figures for report in reports], allow_nan=False)


def report(name: str, *, passed: bool) -> GateReport:
    return GateReport(name, passed, "A sentence.")


def test_what_is_lost_by_moving_alone_is_moving_too_far():
    fine = report("reward up", passed=True)
    forgetful = report("general questions", passed=False)

    assert went_too_far([fine, forgetful])
    assert not went_too_far([fine])
    assert not went_too_far([forgetful, report("safety", passed=False)])
    assert not went_too_far([report("reward up", passed=False)])
