"""Drawn shapes in colours, and what can be said about them.

What tells shapes and colours apart has to be learned from the pixels: place, size, shade and
background change from drawing to drawing, and no two drawings are alike.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (215, 35, 35),
    "green": (40, 160, 60),
    "blue": (40, 80, 215),
    "yellow": (240, 210, 40),
    "purple": (140, 50, 170),
}
SHAPES = ("circle", "square", "triangle")
BACKGROUNDS: tuple[Rgb, ...] = ((255, 255, 255), (20, 20, 20), (150, 150, 150), (225, 215, 195))
SHADES = 18


@dataclass(frozen=True, slots=True)
class Drawing:
    colour: str
    shape: str
    image: Image.Image


def draw(chance: random.Random, size: tuple[int, int]) -> Drawing:
    return rendered(chance.choice([*COLOURS]), chance.choice(SHAPES), chance, size)


def rendered(colour: str, shape: str, chance: random.Random, size: tuple[int, int]) -> Drawing:
    image = blank(chance, size)
    side = chance.uniform(0.35, 0.9) * min(size)
    left = chance.uniform(0, size[0] - side)
    top = chance.uniform(0, size[1] - side)
    ink = _shade(COLOURS[colour], chance)
    box = (left, top, left + side, top + side)
    drawing = ImageDraw.Draw(image)
    if shape == "circle":
        drawing.ellipse(box, fill=ink)
    elif shape == "square":
        drawing.rectangle(box, fill=ink)
    else:
        middle = (left + left + side) / 2
        drawing.polygon([(middle, top), (left, top + side), (left + side, top + side)], fill=ink)
    return Drawing(colour, shape, image)


def blank(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, _shade(chance.choice(BACKGROUNDS), chance))


def _shade(colour: Rgb, chance: random.Random) -> Rgb:
    red, green, blue = (min(255, max(0, c + chance.randint(-SHADES, SHADES))) for c in colour)
    return red, green, blue
