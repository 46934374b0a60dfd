"""Handwritten digits, 8 by 8: the 1,797 that scikit-learn ships (NIST's, after Alpaydin and
Kaynak, 1998). Its wheel is only read; it stays uninstalled. Who wrote which is not known."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

from PIL import Image

from learning.recipes.few_shot_images import packages
from learning.recipes.few_shot_images.gallery import Gallery, Picture

PACKAGE = "scikit-learn==1.9.1"
FILE = "sklearn/datasets/data/digits.csv.gz"
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WIDTH, DARKEST = 8, 16
SIDE = 48


def gallery(kept: Path) -> Gallery:
    with zipfile.ZipFile(packages.wheel(PACKAGE, kept)) as wheel:
        text = gzip.decompress(wheel.read(FILE)).decode()
    rows = [[int(float(cell)) for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    return Gallery("digits", [_picture(row) for row in rows])


def _picture(row: list[int]) -> Picture:
    """A row is 64 shades from 0, the ground, to 16, and the digit."""
    shades = bytes(shade * 255 // DARKEST for shade in row[: WIDTH**2])
    small = Image.frombytes("L", (WIDTH, WIDTH), shades)
    return Picture.of(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), NAMES[row[WIDTH**2]])
