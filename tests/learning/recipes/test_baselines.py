"""Logistic regression, and the features that it is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from learning.recipes.few_shot_images import features, logistic
from learning.recipes.few_shot_images.gallery import Picture
from learning.recipes.few_shot_images.logistic import Regression


def test_two_points_are_told_apart_as_worked_out_by_hand():
    # Centred and scaled by their mean length, 3 and 7 are -1 and 1. With weights -w and w for the
    # classes, the loss is log(1 + exp(-2w)) + strength / 2 · 2w². Its slope in w is
    # 2 · strength · w - 2 / (1 + exp(2w)), which is nothing for w = ½ at strength
    # 2 / (1 + e) = 0.537883.
    strength = 2 / (1 + math.e)

    model = Regression(np.array([[3.0], [7.0]]), [0, 1], strength)

    np.testing.assert_allclose(model.weights, [[-0.5, 0.5]], atol=1e-4)
    np.testing.assert_allclose(model.biases, [0.0, 0.0], atol=1e-4)
    # Between them neither is likelier; 9 is 2, and scores 1 against -1.
    np.testing.assert_allclose(model.scores(np.array([[5.0]])), [[0.0, 0.0]], atol=1e-4)
    np.testing.assert_allclose(model.scores(np.array([[9.0]])), [[-1.0, 1.0]], atol=1e-3)
    assert model.classify(np.array([[4.0], [6.0]])) == [0, 1]


def test_an_example_a_class_leaves_nothing_to_choose_a_strength_by():
    points = np.array([[0.0, 1.0], [1.0, 0.0]])

    assert logistic.chosen_strength(points, [0, 1]) == logistic.UNCHOSEN


def test_noise_is_held_back_more_than_what_can_be_told_apart():
    chance = np.random.default_rng(0)
    classes = [number for number in range(2) for _ in range(8)]
    noise = chance.normal(size=(16, 50))
    clear = noise * 0.01
    clear[:, 0] += np.array(classes)

    assert logistic.chosen_strength(clear, classes) < logistic.chosen_strength(noise, classes)


def test_equal_pictures_are_no_error():
    model = logistic.fit(np.ones((4, 3)), [0, 0, 1, 1])

    assert np.isfinite(model.scores(np.ones((1, 3)))).all()


def striped(angle: float) -> Picture:
    across = np.arange(48) * 0.8
    shade = np.sin(math.cos(angle) * across[None, :] + math.sin(angle) * across[:, None])
    return Picture.of(Image.fromarray((127 + 100 * shade).astype(np.uint8)), "stripes")


@pytest.mark.parametrize("direction", range(features.DIRECTIONS))
def test_stripes_are_edges_in_their_own_direction(direction):
    angle = direction * math.pi / features.DIRECTIONS

    seen = features.hog(striped(angle))

    # The edges come first: 6 by 6 cells of nine directions.
    strengths = seen[: 36 * features.DIRECTIONS].reshape(36, features.DIRECTIONS).sum(axis=0)
    assert strengths.argmax() == direction


def test_a_picture_without_edges_has_numbers_too():
    seen = features.hog(Picture.of(Image.new("RGB", (5, 9), "red"), "red"))

    assert np.isfinite(seen).all()
    # Edges of nothing, and colours of length 1.
    np.testing.assert_allclose(np.linalg.norm(seen), 1.0)


def test_each_picture_is_looked_at_once():
    looked = []
    extractor = features.Extractor("one", lambda picture: looked.append(picture) or np.ones(2))

    extractor([striped(0.0), striped(1.0)])
    extractor([striped(1.0), striped(0.0)])

    assert len(looked) == 2
