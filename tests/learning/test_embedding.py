"""Vectors of texts."""

from __future__ import annotations

import numpy as np

from learning.embedding import DIMENSIONS, embed


def test_a_question_is_closer_to_its_subject_than_to_another():
    asked, sea, kitchen = embed(
        ["how do tides work", "the moon pulls at the sea", "a recipe for chicken adobo"]
    )

    assert asked @ sea > asked @ kitchen + 0.1


def test_every_text_has_length_one_and_an_empty_one_none():
    vectors = embed(["Danas", "x" * 10_000, "日本語 🦀", "", " \n"])

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 0], atol=1e-5)


def test_no_texts_are_no_rows():
    assert embed([]).shape == (0, DIMENSIONS)
