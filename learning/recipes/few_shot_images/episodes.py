"""Who learns from what, and is tested on what: drawn from a seed, the same for every method.

The examples of fewer shots are among those of more, so that a curve does not rise or fall because
of other pictures.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from learning.recipes.few_shot_images.gallery import Gallery, Picture

# Of the groups, where tests have none of their own.
TESTED_SHARE = 0.4


class TooFewPictures(ValueError):
    """The gallery cannot give as many classes, examples and tests as were asked for."""


@dataclass(frozen=True, slots=True)
class Episode:
    """`examples` has a class after another, each with as many pictures as the most shots."""

    seed: int
    labels: tuple[str, ...]
    examples: tuple[tuple[Picture, ...], ...]
    tests: tuple[Picture, ...]

    def shots(self, number: int) -> list[Picture]:
        return [picture for each in self.examples for picture in each[:number]]


def draw(gallery: Gallery, seed: int, *, classes: int, shots: int, tests: int) -> Episode:
    """`tests` pictures a class, or as many as there are.

    Raises:
        TooFewPictures
    """
    chance = random.Random(f"{gallery.name} {seed}")
    tested = _tested(gallery, chance)
    sides = {
        label: _sides([p for p in gallery.pictures if p.label == label], tested, shots, chance)
        for label in gallery.labels
    }
    enough = [label for label, (left, right) in sides.items() if len(left) == shots and right]
    if len(enough) < classes:
        raise TooFewPictures(
            f"{gallery.name} has {len(enough)} classes with {shots} pictures to learn from and one "
            f"to be tested on; {classes} were asked for."
        )
    labels = tuple(sorted(chance.sample(enough, classes)))
    return Episode(
        seed=seed,
        labels=labels,
        examples=tuple(tuple(sides[label][0]) for label in labels),
        tests=tuple(picture for label in labels for picture in sides[label][1][:tests]),
    )


def _tested(gallery: Gallery, chance: random.Random) -> frozenset[str]:
    groups = sorted({picture.group for picture in gallery.pictures} - {""})
    if gallery.tested or len(groups) < 2:
        return gallery.tested
    return frozenset(chance.sample(groups, max(1, round(TESTED_SHARE * len(groups)))))


def _sides(
    pictures: Sequence[Picture], tested: frozenset[str], shots: int, chance: random.Random
) -> tuple[list[Picture], list[Picture]]:
    """Those to learn from and those to be tested on, in a drawn order, no picture on both sides."""
    copies: defaultdict[bytes, list[Picture]] = defaultdict(list)
    for picture in pictures:
        copies[picture.content].append(picture)
    # A picture that is there twice could be learned from in one place and asked for in the other.
    once = [same[0] for same in copies.values()]
    chance.shuffle(once)
    if not tested:
        return once[:shots], once[shots:]
    learned = [picture for picture in once if picture.group not in tested]
    return learned[:shots], [picture for picture in once if picture.group in tested]
