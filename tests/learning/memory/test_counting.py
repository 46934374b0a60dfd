"""How windows are counted."""

from __future__ import annotations

import pytest

from inference.contracts import ChatMessage
from learning.memory.counting import Layout, Piece, PolicyTokens, Words, added
from learning.memory.dialogue import Dialogue
from tests.learning import tiny
from tests.learning.memory.chats import said


def layout(*texts: str, second_session: int = 99) -> tuple[Layout, list[Piece]]:
    turns = said(*texts, second_session=second_session)
    return Layout(Dialogue("chat", turns, ())), [Piece(turn, turn.shown) for turn in turns]


def test_words_and_punctuation_are_counted_with_four_a_turn_and_each_session_s_day():
    made, pieces = layout("Hello, Ben!", "Hi.", "Back again?", second_session=2)

    # 4 + 4 and 2 + 4 and "8 May 2023"; 3 + 4 and "3 June 2023".
    assert Words(made).size(pieces) == 8 + 6 + 3 + 7 + 3
    assert Words(made).size(pieces[1:2]) == 6 + 3
    assert Words(made).size([]) == 0


def test_the_loop_s_prompt_is_as_long_as_the_window():
    made, pieces = layout("Hello, Ben!", "Hi.")

    messages = [
        ChatMessage("system", "Not counted"),
        ChatMessage("user", "…"),
        *(ChatMessage(piece.turn.id, piece.text) for piece in pieces),
    ]

    assert len(Words(made).prompt_ids(messages)) == 8 + 6 + 3


def test_the_policy_reads_a_dialogue_as_a_chat_with_the_days_in_it():
    made, pieces = layout("Hello!", "Hi.", "Back?", "Yes.", second_session=2)

    chat = made.chat([pieces[1], pieces[3]], "And?")

    assert chat == [
        ChatMessage("system", "You are Ben, talking with Ada."),
        ChatMessage("user", "…"),
        ChatMessage("assistant", "8 May 2023\nHi.\n\n3 June 2023\nYes."),
        ChatMessage("user", "And?"),
    ]


@pytest.mark.parametrize("places", [[], [0], [1], [0, 2], [1, 3, 4], [0, 1, 2, 3, 4]])
def test_a_prompt_of_the_policy_is_the_sum_of_its_parts(places: list[int]):
    made, pieces = layout("Hello!", "Hi.", "Back?", "Yes.", "Well", second_session=2)
    counting = PolicyTokens(made, tiny.tokenizer())
    some = [pieces[place] for place in places]

    parts = counting.bare() + added(counting, None, some)

    # The tiny tokenizer's tokens are bytes, so nothing changes at the seams; 8 are spare.
    assert parts == counting.size(some) + 8
    messages = [ChatMessage("system", made.system_text)]
    messages += [ChatMessage(piece.turn.id, piece.text) for piece in some]
    assert len(counting.prompt_ids(messages)) == parts
