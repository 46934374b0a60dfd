"""Reading LoCoMo's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from learning.memory.locomo import NotLocomo, place, read


def written(folder: Path, *samples: Any) -> Path:
    path = folder / "locomo.json"
    path.write_text(json.dumps(samples))
    return path


def said(place: str, speaker: str, text: str, **more: str) -> dict[str, str]:
    return {"dia_id": place, "speaker": speaker, "text": text, **more}


SAMPLE = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ada",
        "speaker_b": "Ben",
        "session_10_date_time": "1:00 pm on 3 June, 2026",
        "session_10": [said("D10:1", "Ada", "I moved to Cebu.")],
        "session_2_date_time": "9:00 am on 8 May, 2026",
        "session_2": [
            said("D2:1", "Ben", "Hello!"),
            said("D2:2", "Ada", "I have a cat.", blip_caption="a cat on a sofa"),
        ],
    },
    "qa": [
        {"question": "Which pet?", "answer": "a cat", "evidence": ["D2:2"], "category": 4},
        {"question": "Since when?", "answer": 2026, "evidence": ["D:10:01; D2:2"], "category": 2},
        {"question": "Which dog?", "evidence": ["D2:1"], "category": 5},
        {"question": "Who?", "answer": "Ben", "evidence": ["D99:1"], "category": 1},
    ],
}


def test_sessions_come_in_the_order_of_their_numbers(tmp_path: Path):
    [dialogue] = read(written(tmp_path, SAMPLE))

    assert [turn.id for turn in dialogue.turns] == ["D2:1", "D2:2", "D10:1"]
    assert dialogue.turns[2].when == "1:00 pm on 3 June, 2026"


def test_an_image_is_shown_by_its_caption(tmp_path: Path):
    [dialogue] = read(written(tmp_path, SAMPLE))

    assert dialogue.turns[1].shown == "I have a cat. [image: a cat on a sofa]"


def test_questions_without_evidence_that_exists_and_those_of_category_5_are_left_out(
    tmp_path: Path,
):
    [dialogue] = read(written(tmp_path, SAMPLE))

    assert [(each.answer, each.evidence) for each in dialogue.questions] == [
        ("a cat", ("D2:2",)),
        ("2026", ("D10:1", "D2:2")),
    ]


def test_a_turn_is_worth_the_questions_that_it_answers(tmp_path: Path):
    [dialogue] = read(written(tmp_path, SAMPLE))

    # One question alone, and half of another.
    assert dialogue.worth() == {"D2:1": 0, "D2:2": 1.5, "D10:1": 0.5}


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("D8:6", ["D8:6"]),
        ("D8:6; D9:17", ["D8:6", "D9:17"]),
        ("D:11:26", ["D11:26"]),
        ("D30:05", ["D30:5"]),
        ("", []),
    ],
)
def test_evidence_is_read_in_all_its_spellings(text: str, turns: list[str]):
    assert place(text) == turns


@pytest.mark.parametrize(
    "wrong",
    [
        said("here", "Ada", "Hello!"),
        {"dia_id": "D1:1", "speaker": "Ada", "text": None},
        {"dia_id": "D1:1", "speaker": "Ada"},
    ],
)
def test_a_turn_without_its_place_or_its_text_is_refused(wrong: dict[str, Any], tmp_path: Path):
    with pytest.raises(NotLocomo, match="conversation 0"):
        read(written(tmp_path, {"conversation": {"session_1": [wrong]}, "qa": []}))


@pytest.mark.parametrize("content", ["not JSON", "{}", "[]", '[{"conversation": {}}]', "[3]"])
def test_another_file_is_refused_with_what_is_wrong(content: str, tmp_path: Path):
    path = tmp_path / "other.json"
    path.write_text(content)

    with pytest.raises(NotLocomo):
        read(path)
