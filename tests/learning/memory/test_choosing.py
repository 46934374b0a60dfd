"""Drawing turns without replacement, and learning from what was kept."""

from __future__ import annotations

from itertools import permutations
from math import log

import numpy as np
import pytest
import torch

from learning.memory.choosing import Course, draw, improve, likelihood, log_probability
from learning.memory.probe import Probe

WORTH = torch.tensor([0.0, 1.0, -1.0, 0.5])


def test_the_probabilities_of_all_orders_add_up_to_one():
    orders = torch.tensor(list(permutations(range(4))))

    total = log_probability(WORTH, orders, torch.ones(24, 4, dtype=torch.bool)).exp().sum()

    assert float(total) == pytest.approx(1.0)


def test_a_turn_is_drawn_against_those_that_are_left():
    """Of worths 1, 2 and 1: the second first (2/4), then the first (1/2)."""
    worth = torch.tensor([log(1.0), log(2.0), log(1.0)])
    order = torch.tensor([[1, 0, 2]])
    taken = torch.tensor([[True, True, False]])

    assert float(log_probability(worth, order, taken)) == pytest.approx(log(2 / 4 * 1 / 2))


def test_turns_are_drawn_as_often_as_their_worth_says():
    generator = torch.Generator().manual_seed(0)

    order, _ = draw(WORTH, torch.ones(4), 1.0, 20_000, generator)

    shares = torch.bincount(order[:, 0], minlength=4) / 20_000
    assert shares.tolist() == pytest.approx(WORTH.softmax(0).tolist(), abs=0.015)


def test_what_is_taken_fits_the_budget():
    generator = torch.Generator().manual_seed(0)
    cost = torch.tensor([5.0, 3.0, 8.0, 2.0])

    order, taken = draw(WORTH, cost, 9.0, 200, generator)

    assert ((cost[order] * taken).sum(1) <= 9).all()
    # Only while all so far fit: the first that does not ends it.
    assert (taken.long().diff(dim=1) <= 0).all()


def test_a_turn_is_likely_where_any_of_its_sentences_is():
    log_odds = torch.tensor([0.0, 0.0, -20.0])

    found = likelihood(log_odds, torch.tensor([0, 0, 1]), 2)

    assert found.tolist() == pytest.approx([0.75, 0.0], abs=1e-5)


def course(seed):
    """Two features; the second alone tells which turns hold the evidence."""
    chance = torch.Generator().manual_seed(seed)
    features = torch.randn(60, 2, generator=chance)
    evidence = (features[:, 1] > 0.8).float()
    return Course(features, torch.arange(60), torch.ones(60), evidence / evidence.sum())


def test_a_probe_learns_what_kept_evidence_has_in_common():
    probe = Probe(np.zeros(2, np.float32), 0.0)
    rewards = []

    moved = improve(
        probe,
        [course(seed) for seed in range(6)],
        steps=200,
        learning_rate=0.05,
        tether=0.0,
        progress=lambda step, reward: rewards.append(reward),
    )

    assert moved.weights[1] > 1
    assert moved.weights[1] > 5 * abs(moved.weights[0])
    assert np.mean(rewards[-50:]) > 1.5 * np.mean(rewards[:20])


def test_a_strong_tether_leaves_the_probe_where_it_was():
    probe = Probe(np.array([0.5, -0.5], np.float32), 0.25)

    moved = improve(probe, [course(0)], steps=40, learning_rate=0.01, tether=1e4)

    assert moved.weights.tolist() == pytest.approx([0.5, -0.5], abs=0.02)
    assert moved.bias == pytest.approx(0.25, abs=0.02)
