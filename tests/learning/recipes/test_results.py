"""Intervals, tables and the plot."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from learning.recipes.few_shot_images import accuracy, plot
from learning.recipes.few_shot_images.results import SPEAKER, Results, Score


def test_wilsons_interval_of_eight_out_of_ten():
    interval = accuracy.wilson(8, 10)

    # With z² = 3.8416: the middle is (0.8 + 0.19208) / 1.38416 = 0.71674, the reach is
    # 1.96 · sqrt(0.016 + 0.009604) / 1.38416 = 0.22658.
    assert interval.mean == 0.8
    assert (interval.low, interval.high) == pytest.approx((0.49016, 0.94332), abs=1e-4)


def test_all_right_is_not_surely_all_right():
    interval = accuracy.wilson(10, 10)

    # 1 / (1 + 3.8416 / 10)
    assert interval.low == pytest.approx(0.72246, abs=1e-4)
    assert interval.high == pytest.approx(1.0)


def test_students_interval_over_three_seeds():
    interval = accuracy.over_seeds([0.4, 0.5, 0.6])

    # A deviation of 0.1, and 4.303 for two degrees of freedom: 0.5 ± 4.303 · 0.1 / √3.
    assert (interval.mean, interval.low, interval.high) == pytest.approx(
        (0.5, 0.25157, 0.74843), abs=1e-4
    )


def test_an_interval_stays_between_none_and_all():
    assert accuracy.over_seeds([0.1, 0.9]) == accuracy.Interval(0.5, 0.0, 1.0)
    assert accuracy.over_seeds([-0.9, 0.9], least=-1.0).low == -1.0


HOG = "logistic regression on hog"


def results(seeds: int = 3) -> Results:
    found = Results("emoji <&>", {"classes": 10})
    for seed in range(seeds):
        found.scores.append(Score(SPEAKER, 0, seed, 10, 100, 1.0))
        for shots in (1, 4):
            found.scores.append(Score(SPEAKER, shots, seed, 40 + 10 * seed, 100, 1.0))
            found.scores.append(Score(HOG, shots, seed, 30 + 10 * seed, 100, 1.0))
    return found


def test_a_lead_is_taken_seed_by_seed():
    lead = results().lead(SPEAKER, HOG, 4)

    # Ten points in each seed, however far the seeds are apart.
    assert (lead.mean, lead.low, lead.high) == pytest.approx((0.1, 0.1, 0.1))
    assert results(seeds=1).lead(SPEAKER, HOG, 4) is None
    assert results(seeds=1).leads() == ""


def test_the_table_has_a_row_a_method_and_a_column_for_each_number_of_shots():
    lines = results().table().splitlines()

    assert lines[0] == "| examples a class | 0 | 1 | 4 |"
    # 40, 50 and 60 of 100.
    assert lines[2] == f"| {SPEAKER} | 10 (10 to 10) | 50 (25 to 75) | 50 (25 to 75) |"
    assert lines[3] == f"| {HOG} |  | 40 (15 to 65) | 40 (15 to 65) |"
    assert results().leads().splitlines()[2] == f"| {HOG} | +10 (+10 to +10) | +10 (+10 to +10) |"


def test_scores_are_read_as_they_were_written(tmp_path):
    results().write(tmp_path / "new" / "emoji.json")

    assert Results.read(tmp_path / "new" / "emoji.json") == results()


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_plot_is_an_svg_with_a_curve_for_each_method(seeds):
    drawn = ElementTree.fromstring(plot.svg([results(seeds), results(seeds)]))

    space = "{http://www.w3.org/2000/svg}"
    assert drawn.tag == f"{space}svg"
    assert len(drawn.findall(f".//{space}polyline")) == 4
    words = [each.text for each in drawn.iter(f"{space}text")]
    assert "emoji <&>" in words
    assert words.count(SPEAKER) == 1


def test_more_right_is_higher_up():
    few, many = Results("few", {}), Results("many", {})
    few.scores.append(Score(SPEAKER, 1, 0, 1, 10, 1.0))
    many.scores.append(Score(SPEAKER, 1, 0, 9, 10, 1.0))

    heights = []
    for run in (few, many):
        drawn = ElementTree.fromstring(plot.svg([run]))
        heights.append(float(next(drawn.iter("{http://www.w3.org/2000/svg}circle")).get("cy")))

    # An SVG counts from the top.
    assert heights[1] < heights[0]
