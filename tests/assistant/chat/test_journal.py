"""What several answers stream is written together, in order, and nothing twice."""

from __future__ import annotations

from assistant.chat.events import LogEvent
from assistant.chat.journal import Draft


def test_text_between_two_beats_becomes_one_event():
    draft = Draft()
    draft.add_text("Good ")
    draft.add_text("morning")

    assert draft.take() == [LogEvent(1, "text", {"text": "Good morning"})]
    assert draft.is_empty


def test_text_keeps_its_place_among_other_events():
    draft = Draft()
    draft.add("start", {})
    draft.add_text("a")
    draft.add("usage", {})
    draft.add_text("b")

    assert [(event.seq, event.kind) for event in draft.take()] == [
        (1, "start"),
        (2, "text"),
        (3, "usage"),
        (4, "text"),
    ]


def test_what_could_not_be_written_comes_first_the_next_time():
    draft = Draft()
    draft.add_text("a")
    taken = draft.take()
    draft.add_text("b")

    draft.put_back(taken)

    assert [event.data["text"] for event in draft.take()] == ["a", "b"]
