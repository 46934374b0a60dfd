"""Where labelled pictures come from: a folder, Hugging Face's hub, or a package.

Names of folders and classes are read as a person would say them: `golden_retriever` is "golden
retriever".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from learning.recipes.few_shot_images import digits, emoji
from learning.recipes.few_shot_images.gallery import Gallery, Picture

# What is read of a picture at most; a model's processor makes it smaller still.
LONGEST_SIDE = 1024
TESTED_SPLITS = ("test", "validation", "valid", "val")


class NoPictures(ValueError):
    """What was named holds no pictures of classes; the text says what is missing."""


def gallery(source: str, kept: Path) -> Gallery:
    """`emoji`, `digits`, a folder, or `hub:NAME`.

    Raises:
        NoPictures
        packages.NotFetched: a registry could not be reached.
    """
    match source:
        case "emoji":
            return emoji.gallery(kept)
        case "digits":
            return digits.gallery(kept)
        case _ if source.startswith("hub:"):
            return hub(source.removeprefix("hub:"))
        case _:
            return folder(Path(source))


def folder(path: Path) -> Gallery:
    """`path/class/picture`; files that are no pictures are left out."""
    if not path.is_dir():
        raise NoPictures(f"{path} is no folder. Give one, hub:NAME, emoji or digits.")
    pictures = [
        Picture.of(image, _said(place.parent.name))
        for place in sorted(path.glob("*/*"))
        if (image := _read(place)) is not None
    ]
    if not pictures:
        raise NoPictures(f"{path} holds no pictures as {path}/CLASS/PICTURE.")
    return Gallery(path.name, pictures)


def hub(name: str) -> Gallery:
    """A data set with a column of pictures and one of classes; `datasets` has to be installed.

    Its own test split is what is tested on, if it has one.
    """
    from datasets import load_dataset

    splits = load_dataset(name)
    pictures = [
        Picture.of(_shrunk(row[image]), _said(names[row[label]]), split)
        for split, rows in splits.items()
        for image, label, names in [_columns(name, rows.features)]
        for row in rows
    ]
    tested = next((split for split in TESTED_SPLITS if split in splits), None)
    return Gallery(name.rpartition("/")[2], pictures, frozenset({tested} if tested else ()))


def _columns(name: str, features: Any) -> tuple[str, str, list[str]]:
    """Of pictures and of classes, and the classes' names."""
    from datasets import ClassLabel
    from datasets import Image as ImageColumn

    images = [key for key, kind in features.items() if isinstance(kind, ImageColumn)]
    labels = [key for key, kind in features.items() if isinstance(kind, ClassLabel)]
    if not images or not labels:
        raise NoPictures(f"{name} has no column of pictures beside one of classes: {features}")
    return images[0], labels[0], list(features[labels[0]].names)


def _read(place: Path) -> Image.Image | None:
    try:
        with Image.open(place) as image:
            return _shrunk(image)
    except (UnidentifiedImageError, IsADirectoryError):
        return None


def _shrunk(image: Image.Image) -> Image.Image:
    image = image.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return image


def _said(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip()
