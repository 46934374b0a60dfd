"""Pictures from folders and packages."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from learning.recipes.few_shot_images import digits, emoji, packages, sources
from learning.recipes.few_shot_images.packages import NotFetched


def archived(kept: Path, package: str, icons: dict[str, object]) -> None:
    """As npm leaves a package that has been fetched."""
    place = kept / package
    place.mkdir(parents=True)
    content = json.dumps(icons).encode()
    with tarfile.open(place / "package.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("package/icons.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def square(colour: str) -> dict[str, str]:
    return {"body": f'<path fill="{colour}" d="M8 8h16v16H8z"/>'}


@pytest.fixture
def drawn(tmp_path) -> Path:
    """Six names by seven artists, and one that the last has not drawn."""
    names = [*(f"{letter}ug" for letter in "bdhjm"), "red-bug", "flag", "pug"]
    for number, (artist, version) in enumerate(emoji.ARTISTS.items()):
        icons = {name: square("#f00") for name in names[: 8 if number < 6 else 7]}
        archived(
            tmp_path,
            f"iconify-json-{artist}@{version}",
            {"width": 32, "height": 32, "icons": icons},
        )
    return tmp_path


def test_emoji_are_the_names_that_every_artist_has_drawn(drawn):
    found = emoji.drawings(drawn)

    # "pug" is missing from one set, and flags are left out; a dash is a space to a person.
    assert {drawing.name for drawing in found} == {"bug", "dug", "hug", "jug", "mug", "red bug"}
    assert {drawing.artist for drawing in found} == set(emoji.ARTISTS)
    # The middle of the square, and a corner outside it.
    assert found[0].image.getpixel((32, 32)) == (255, 0, 0, 255)
    assert found[0].image.getpixel((2, 2))[3] == 0


def test_what_classes_are_drawn_from_is_not_what_the_small_model_is_made_with(drawn, monkeypatch):
    monkeypatch.setattr(emoji, "CLASSES", 2)

    classes = emoji.gallery(drawn)
    others = emoji.others(drawn)

    assert len(classes.labels) == 2
    assert {drawing.name for drawing in others}.isdisjoint(classes.labels)
    assert "red bug" not in classes.labels
    # Two names by seven artists, each shown four times.
    assert len(classes.pictures) == 2 * 7 * 4
    assert {picture.opened().size for picture in classes.pictures} == {(48, 48)}


def test_digits_are_read_from_a_wheel(tmp_path):
    place = tmp_path / digits.PACKAGE
    place.mkdir()
    row = ",".join(["0.0"] * 32 + ["16.0"] * 32 + ["7"])
    with zipfile.ZipFile(place / "any.whl", "w") as wheel:
        wheel.writestr(digits.FILE, gzip.compress(f"{row}\n".encode()))

    (picture,) = digits.gallery(tmp_path).pictures

    assert picture.label == "seven"
    image = picture.opened()
    assert image.getpixel((24, 2)) == (0, 0, 0)
    assert image.getpixel((24, 45)) == (255, 255, 255)


def test_a_folder_of_classes_is_read_as_a_person_would_say_them(tmp_path):
    for name in ("golden_retriever", "pug"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4000, 10)).save(tmp_path / name / "one.png")
    (tmp_path / "pug" / "notes.txt").write_text("not a picture")

    gallery = sources.gallery(str(tmp_path), tmp_path)

    assert gallery.labels == ["golden retriever", "pug"]
    assert [picture.opened().width for picture in gallery.pictures] == [1024, 1024]


def test_what_holds_no_pictures_is_said(tmp_path):
    with pytest.raises(sources.NoPictures, match="is no folder"):
        sources.gallery(str(tmp_path / "nowhere"), tmp_path)
    with pytest.raises(sources.NoPictures, match="CLASS/PICTURE"):
        sources.gallery(str(tmp_path), tmp_path)


def test_a_data_set_of_the_hub_gives_its_splits(monkeypatch):
    import datasets

    features = datasets.Features(
        picture=datasets.Image(), kind=datasets.ClassLabel(names=["tabby_cat", "dog"])
    )
    image = Image.new("RGB", (9, 9))
    splits = {
        split: datasets.Dataset.from_dict({"picture": [image], "kind": [kind]}, features=features)
        for kind, split in enumerate(("train", "test"))
    }
    monkeypatch.setattr(datasets, "load_dataset", lambda name: splits)

    gallery = sources.gallery("hub:someone/pets", Path())

    assert gallery.name == "pets"
    assert gallery.tested == {"test"}
    assert [(p.label, p.group) for p in gallery.pictures] == [
        ("tabby cat", "train"),
        ("dog", "test"),
    ]


def test_a_package_that_cannot_be_had_leaves_nothing_behind(tmp_path):
    with pytest.raises(NotFetched, match="ended with 3"):
        packages.fetched("thing", tmp_path, [sys.executable, "-c", "raise SystemExit(3)"], "*.tgz")

    assert not list(tmp_path.iterdir())


def test_a_package_is_fetched_once(tmp_path):
    code = "import sys, pathlib; pathlib.Path('a.tgz').write_text(str(sys.argv))"

    first = packages.fetched("thing", tmp_path, [sys.executable, "-c", code], "*.tgz")
    again = packages.fetched("thing", tmp_path, ["no such program"], "*.tgz")

    assert first == again
    assert first.exists()
