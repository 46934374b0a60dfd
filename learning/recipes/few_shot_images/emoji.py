"""Emoji by name, as seven artists or vendors drew them.

A class is a name ("octopus"), a group an artist, so a test asks for a drawing by someone none of
whose drawings of these classes were among the examples. Each drawing is shown a few times, turned,
shrunk and moved, on different grounds.

Names are in two parts. The few that classes are drawn from (one word; animals, food, things) are
never shown to the small model while it is made; the others are what it is made with.
"""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from learning.recipes.few_shot_images import packages
from learning.recipes.few_shot_images.gallery import Gallery, Picture

# Noto and its older style, Twemoji, OpenMoji, Fluent, EmojiOne 2 and 1: all under open licences.
ARTISTS = {
    "noto": "1.2.9",
    "noto-v1": "1.2.5",
    "twemoji": "1.2.5",
    "openmoji": "1.2.29",
    "fluent-emoji-flat": "1.2.6",
    "emojione": "1.2.3",
    "emojione-v1": "1.2.3",
}
# Names with these words differ by a hand of a clock, a letter or a skin, or are flags.
LEFT_OUT = ("clock", "oclock", "thirty", "button", "sign", "skin", "tone", "flag")
CLASSES = 80
DRAWN, SIDE = 64, 48
SHOWN = 4


@dataclass(frozen=True, slots=True)
class Drawing:
    """A name by an artist, on no ground."""

    name: str
    artist: str
    image: Image.Image

    def shown(self, chance: random.Random) -> Picture:
        """Turned by up to 20 degrees, at two thirds to all of its size, on a plain ground."""
        side = round(SIDE * chance.uniform(0.67, 1.0))
        turned = self.image.rotate(chance.uniform(-20, 20), Image.Resampling.BILINEAR)
        small = turned.resize((side, side), Image.Resampling.BOX)
        darkest = chance.choice((0, 100))
        ground = tuple(darkest + chance.randrange(156) for _ in range(3))
        picture = Image.new("RGB", (SIDE, SIDE), ground)
        place = (chance.randint(0, SIDE - side), chance.randint(0, SIDE - side))
        picture.paste(small, place, small)
        return Picture.of(picture, self.name, self.artist)


def gallery(kept: Path) -> Gallery:
    """The names that the small model never saw."""
    shown = []
    for drawing in drawings(kept):
        if drawing.name in _classes(kept):
            chance = random.Random(f"{drawing.name} {drawing.artist}")
            shown += [drawing.shown(chance) for _ in range(SHOWN)]
    return Gallery("emoji", shown)


def others(kept: Path) -> list[Drawing]:
    """The drawings that the small model is made with."""
    return [each for each in drawings(kept) if each.name not in _classes(kept)]


@cache
def drawings(kept: Path) -> Sequence[Drawing]:
    """Of every name that all artists have drawn."""
    icons = {
        artist: _icons(packages.npm(f"@iconify-json/{artist}@{version}", kept))
        for artist, version in ARTISTS.items()
    }
    names = set.intersection(*(set(each["icons"]) for each in icons.values()))
    wanted = sorted(name for name in names if not any(word in name for word in LEFT_OUT))
    return [
        Drawing(name.replace("-", " "), artist, image)
        for artist, each in icons.items()
        for name, image in _drawn(each, wanted)
    ]


@cache
def _classes(kept: Path) -> frozenset[str]:
    names = {drawing.name for drawing in drawings(kept) if " " not in drawing.name}
    return frozenset(random.Random("classes").sample(sorted(names), CLASSES))


def _icons(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as packed:
        file = packed.extractfile("package/icons.json")
        assert file is not None
        icons: dict[str, Any] = json.load(file)
    return icons


def _drawn(icons: dict[str, Any], names: Sequence[str]) -> Iterator[tuple[str, Image.Image]]:
    for name in names:
        icon = {**icons, **icons["icons"][name]}
        box = " ".join(str(icon.get(key, usual)) for key, usual in _BOX.items())
        yield name, rasterized(_SVG.format(box=box, body=icon["body"]))


# Iconify's own values where a set does not say.
_BOX = {"left": 0, "top": 0, "width": 16, "height": 16}
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="{box}">{body}</svg>'
)


def rasterized(svg: str) -> Image.Image:
    """With its transparency. Raises ModuleNotFoundError: resvg-py is a development dependency."""
    import resvg_py

    content = resvg_py.svg_to_bytes(
        svg_string=svg, width=DRAWN, height=DRAWN, skip_system_fonts=True
    )
    return Image.open(io.BytesIO(bytes(content))).convert("RGBA")
