"""The recipe from a folder of pictures to a table, at its smallest."""

from __future__ import annotations

import random
import time

import pytest
from PIL import Image, ImageDraw

from learning.recipes.few_shot_images import __main__ as recipe
from learning.recipes.few_shot_images import small
from learning.recipes.few_shot_images.emoji import DRAWN, Drawing
from learning.recipes.few_shot_images.gallery import Gallery
from learning.recipes.few_shot_images.results import SPEAKER, Results

INKS = {"red": (220, 40, 40), "green": (40, 170, 60), "blue": (40, 80, 220)}


def disc(name: str, ink: tuple[int, int, int]) -> Drawing:
    image = Image.new("RGBA", (DRAWN, DRAWN))
    ImageDraw.Draw(image).ellipse((8, 8, DRAWN - 8, DRAWN - 8), fill=ink)
    return Drawing(name, "somebody", image)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """One that has seen coloured discs, in two sittings."""
    folder = tmp_path_factory.mktemp("models") / "small"
    drawings = [disc(name, ink) for name, ink in INKS.items()]

    # A deadline that has passed leaves the first of two steps.
    assert not small.make(folder, drawings, 2, time.monotonic())
    assert not folder.exists()
    assert small.make(folder, drawings, 2, float("inf"))
    return folder


@pytest.fixture
def pictures(tmp_path):
    chance = random.Random(0)
    for name, ink in INKS.items():
        (tmp_path / "discs" / name).mkdir(parents=True)
        for number in range(6):
            shown = disc(name, ink).shown(chance).opened()
            shown.save(tmp_path / "discs" / name / f"{number}.png")
    return tmp_path / "discs"


@pytest.mark.slow
def test_a_folder_of_pictures_becomes_scores_tables_and_a_plot(model, pictures, tmp_path):
    out = tmp_path / "out"
    asked = [
        *(str(pictures), "--model", str(model), "--features", "tower", "hog", "--out", str(out)),
        *("--classes", "3", "--shots", "1", "2", "--seeds", "2", "--tests", "2"),
        *("--steps", "30", "--batch", "4", "--learning-rate", "3e-3"),
    ]

    # A deadline that has passed: nothing is scored, and the same command goes on.
    assert recipe.main([*asked, "--minutes", "0"]) == recipe.UNFINISHED
    assert recipe.main(asked) == 0

    results = Results.read(out / "discs.json")
    # Two seeds of: the model at 0, 1 and 2 shots, two regressions at 1 and 2.
    assert len(results.scores) == 2 * (3 + 2 * 2)
    assert {score.asked for score in results.scores} == {6}
    assert (out / "few_shot_images.svg").read_text().startswith("<svg")
    assert f"| {SPEAKER} |" in (out / "few_shot_images.md").read_text()
    # Colours are told apart by their colour: tuning has to reach that.
    tuned = results.interval(SPEAKER, 2)
    assert tuned is not None
    assert tuned.mean > 0.6


def test_scores_of_another_setting_are_not_mixed_in(tmp_path):
    path, plan = tmp_path / "discs.json", recipe.Plan()
    gallery = Gallery("discs", [])
    recipe.experiment.begun(path, gallery, "one model", plan).write(path)

    assert recipe.experiment.begun(path, gallery, "one model", plan).scores == []
    with pytest.raises(recipe.OtherSetting, match="one model"):
        recipe.experiment.begun(path, gallery, "another model", plan)
