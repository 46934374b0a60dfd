"""Who learns from what, and is tested on what."""

from __future__ import annotations

import pytest
from PIL import Image

from learning.recipes.few_shot_images.episodes import TooFewPictures, draw
from learning.recipes.few_shot_images.gallery import Gallery, Picture


def shaded(label: str, shade: int, group: str = "") -> Picture:
    return Picture.of(Image.new("RGB", (2, 2), (shade, shade, len(label))), label, group)


LABELS = ("ant", "beetle", "cricket")
PLAIN = Gallery("plain", [shaded(label, n) for label in LABELS for n in range(20)])


def test_no_picture_is_both_an_example_and_a_test():
    for seed in range(5):
        episode = draw(PLAIN, seed, classes=3, shots=4, tests=20)

        examples, tests = set(episode.shots(4)), set(episode.tests)
        assert not examples & tests
        # All 20 of each class, 4 of them as examples.
        assert (len(examples), len(tests)) == (12, 48)


def test_a_picture_that_is_there_twice_is_on_one_side_only():
    twice = Gallery("twice", [shaded("ant", n % 5) for n in range(10)])

    episode = draw(twice, 0, classes=1, shots=2, tests=20)

    assert len(episode.tests) == 3
    assert not set(episode.shots(2)) & set(episode.tests)


def test_fewer_shots_are_among_more():
    episode = draw(PLAIN, 0, classes=3, shots=4, tests=5)

    assert set(episode.shots(1)) < set(episode.shots(2)) < set(episode.shots(4))
    assert [picture.label for picture in episode.shots(1)] == list(episode.labels)


def test_the_same_seed_draws_the_same_and_another_draws_another():
    def drawn(seed: int) -> object:
        return draw(PLAIN, seed, classes=2, shots=2, tests=5)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_groups_are_never_on_both_sides():
    artists = [f"artist {n}" for n in range(5)]
    gallery = Gallery(
        "drawn", [shaded("ant", 10 * n + k, artists[n]) for n in range(5) for k in range(4)]
    )

    for seed in range(5):
        episode = draw(gallery, seed, classes=1, shots=4, tests=20)

        learned = {picture.group for picture in episode.shots(4)}
        tested = {picture.group for picture in episode.tests}
        assert not learned & tested
        # Two fifths of five.
        assert len(tested) == 2


def test_a_test_split_is_what_is_tested_on():
    pictures = [shaded("ant", n, "test" if n < 5 else "train") for n in range(20)]
    gallery = Gallery("split", pictures, frozenset({"test"}))

    episode = draw(gallery, 0, classes=1, shots=4, tests=20)

    assert {picture.group for picture in episode.tests} == {"test"}
    assert {picture.group for picture in episode.shots(4)} == {"train"}


def test_a_gallery_with_too_few_pictures_is_refused_in_words():
    with pytest.raises(TooFewPictures, match="3 classes with 16 pictures"):
        draw(PLAIN, 0, classes=4, shots=16, tests=1)
    with pytest.raises(TooFewPictures, match="0 classes with 20 pictures"):
        draw(PLAIN, 0, classes=1, shots=20, tests=1)
