"""Reads LoCoMo's files (Maharana et al. 2024, arXiv 2402.17753), as they are.

What has to be known about them: evidence is written `D8:6`, `D8:6; D9:17`, `D:11:26` or `D30:05`,
and some of it names turns that do not exist; answers may be numbers; sessions are sorted by their
number; category 5 asks for what was never said and has no evidence to keep.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from learning.memory.dialogue import Dialogue, Question, Turn

SESSION = re.compile(r"session_(\d+)")
PLACE = re.compile(r"D:?(\d+):(\d+)")
CATEGORIES = {
    1: "several turns",
    2: "time",
    3: "open",
    4: "one turn",
}


class NotLocomo(ValueError):
    """The file is not in LoCoMo's format; the text says where it departs from it."""


def read(path: Path) -> list[Dialogue]:
    """The dialogues of a file with the questions of categories 1 to 4 that have evidence.

    Raises:
        NotLocomo
        OSError: the file can't be read.
    """
    try:
        samples = json.loads(path.read_text())
    except ValueError as error:
        raise NotLocomo(f"{path} is not JSON: {error}") from None
    if not isinstance(samples, list) or not samples:
        raise NotLocomo(f"{path}: a list of conversations is expected.")
    return [_dialogue(sample, number) for number, sample in enumerate(samples)]


def _dialogue(sample: Any, number: int) -> Dialogue:
    try:
        turns = _turns(sample["conversation"])
        questions = _questions(sample["qa"], {turn.id for turn in turns})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotLocomo(f"conversation {number}: {type(error).__name__}: {error}") from error
    return Dialogue(str(sample.get("sample_id", number)), tuple(turns), tuple(questions))


def _turns(conversation: dict[str, Any]) -> list[Turn]:
    sessions = sorted(
        (int(found[1]), key) for key in conversation if (found := SESSION.fullmatch(key))
    )
    return [
        Turn(
            id=_place_of(said),
            speaker=_text(said["speaker"]),
            text=_text(said["text"]),
            session=number,
            when=_text(conversation.get(f"{key}_date_time") or ""),
            caption=_text(said.get("blip_caption") or ""),
        )
        for number, key in sessions
        for said in conversation[key]
    ]


def _place_of(said: dict[str, Any]) -> str:
    places = place(said["dia_id"])
    if not places:
        raise ValueError(f"{said['dia_id']!r} is not where one turn is, such as 'D3:12'")
    return places[0]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is expected in place of {value!r}")
    return value


def _questions(rows: list[dict[str, Any]], known: set[str]) -> list[Question]:
    questions = []
    for row in rows:
        named = [turn for text in row["evidence"] for turn in place(text)]
        evidence = tuple(dict.fromkeys(turn for turn in named if turn in known))
        if row["category"] in CATEGORIES and evidence:
            answer = str(row.get("answer", ""))
            category = CATEGORIES[row["category"]]
            questions.append(Question(_text(row["question"]), answer, evidence, category))
    return questions


def place(text: str) -> list[str]:
    """The turns that a piece of evidence names, in one spelling.

    >>> place("D8:6; D:11:26 and D30:05")
    ['D8:6', 'D11:26', 'D30:5']
    """
    return [f"D{int(session)}:{int(turn)}" for session, turn in PLACE.findall(text)]
