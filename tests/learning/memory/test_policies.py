"""What each policy keeps, in dialogues where one can see what it should."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from learning.memory import policies
from learning.memory.ablations import fading, superseded
from learning.memory.counting import Piece
from learning.memory.policies import Case, Diffused, Keeper
from tests.learning.memory.chats import asked, case, said

# Each turn has one word, so with its 4 it takes 5 tokens; the day takes 3 more.
FIVE = said("one", "two", "three", "four", "five")


def left(keeper: Keeper, given: Case, limit: int) -> list[str]:
    """The texts in the window after the dialogue."""
    keeping = keeper(given, limit)
    for place, turn in enumerate(given.dialogue.turns):
        keeping.take(place, turn)
    return texts(keeping.pieces())


def texts(pieces: tuple[Piece, ...]) -> list[str]:
    return [piece.text for piece in pieces]


def test_a_sliding_window_holds_the_newest_turns():
    assert left(policies.sliding, case(FIVE), 3 + 2 * 5) == ["four", "five"]
    assert left(policies.sliding, case(FIVE), 3 + 2 * 5 - 1) == ["five"]


def test_what_came_first_stays_in_a_fourth_of_the_window():
    many = said(*"abcdefgh")

    # 8 tokens are in the window after the first turn, of 33 // 4 = 8 for what came first.
    assert left(policies.first_and_recent, case(many), 3 + 6 * 5) == [*"adefgh"]


def test_what_surprises_stays_whatever_its_age():
    given = case(FIVE, surprisal=(1.0, 5.0, 2.0, 4.0, 3.0))

    assert left(policies.surprising, given, 3 + 2 * 5) == ["two", "four"]


def test_random_turns_are_the_same_for_a_seed_and_others_for_another():
    many = said(*map(str, range(40)))

    first = left(policies.at_random, case(many), 3 + 10 * 5)

    assert left(policies.at_random, case(many), 3 + 10 * 5) == first
    assert len(first) == 10
    assert first != [str(number) for number in range(30, 40)]


def test_diffusion_keeps_what_will_be_asked_for_and_the_last_turns():
    many = said(*map(str, range(12)))
    needs = (-5.0, 3.0, *[-4.0] * 10)

    kept = left(Diffused, case(many, needs=needs), 3 + 8 * 5)
    unread = left(Diffused, case(many), 3 + 8 * 5)

    assert kept[0] == "1"
    assert kept[-4:] == unread[-4:] == ["8", "9", "10", "11"]
    assert "1" not in unread


def test_with_refill_a_turn_keeps_the_sentence_that_will_be_asked_for():
    turns = said("Lovely weather here. I was born in Cebu. So it goes.", *"abcdefgh")
    given = case(turns)
    ends = (20, 40, 52)
    given.heard[turns[0].id] = policies.Heard(tuple(zip(ends, (-6.0, 4.0, -6.0), strict=True)))
    for turn in turns[1:]:
        given.heard[turn.id] = policies.Heard(((1, -5.0),))

    kept = left(lambda *start: Diffused(*start, whole=False), given, 3 + 11 + 5 * 5)

    assert kept[0] == "I was born in Cebu."


def test_with_supersession_what_is_said_anew_of_the_same_lowers_what_was_said():
    here, there = "Rex lives in a big house in Cebu", "Rex lives in a big house in Davao"
    turns = said(here, "Tea is nice", there, *"abcdef")
    needs = (1.0, -0.5, 1.0, *[-9.0] * 6)
    # The day, the last four turns, and two of those with a house: 8 words each.
    limit = 3 + 4 * 5 + 2 * 12

    plain = left(Diffused, case(turns, needs=needs), limit)
    anew = left(lambda *start: Diffused(*start, adjust=superseded), case(turns, needs=needs), limit)

    assert plain[:2] == [here, there]
    assert anew[:2] == ["Tea is nice", there]


def test_with_position_what_is_as_likely_goes_the_sooner_the_older_it_is():
    many = said(*"abcdefgh")
    needs = (0.001, *[0.0] * 7)

    plain = left(Diffused, case(many, needs=needs), 3 + 6 * 5)
    faded = left(lambda *start: Diffused(*start, adjust=fading), case(many, needs=needs), 3 + 6 * 5)

    assert plain[0] == "a"
    assert faded == [*"cdefgh"]


def test_a_summary_keeps_the_sentences_with_the_most_usual_words_before_the_newest_turns():
    turns = said("My dog barks.", "Something unrelated here.", "Good dog.", *["Yes."] * 8)

    kept = left(policies.summarised, case(turns), 40)

    # Two of the six words that say something are "dog": the first sentence is worth
    # (2/6 + 1/6) / 2 and takes 12 of the summary's 20 tokens with the day. The third, worth
    # (1/9 + 1/6) / 2 by then, still fits with 8; the second, worth 1/6, would take 9.
    assert kept[:2] == ["My dog barks.", "Good dog."]
    assert set(kept[2:]) == {"Yes."}


def test_the_oracle_takes_what_is_asked_for_most_for_its_tokens():
    long = said("a", "b " * 20, "c", "d", "e")
    given = case(long, asked("D1:0"), asked("D1:1"), asked("D1:1"), asked("D1:3"))

    # Turn 1 is worth 2 in 24 tokens, turns 0 and 3 are worth 1 in 5; then the newest.
    assert texts(policies.oracle(given, 3 + 3 * 5)) == ["a", "d", "e"]


@pytest.mark.parametrize("seeker", [policies.bm25, policies.embedding])
def test_a_seeker_finds_the_turn_that_answers(seeker: Callable):
    turns = said("The weather is mild.", "I adopted a cat.", "Trains are late.", "Fine.")

    order = seeker(case(turns))("Which cat was adopted?")

    assert order[0] == 1
    assert sorted(order) == [0, 1, 2, 3]


def test_needs_are_found_again_where_a_text_is_cut_elsewhere():
    read = ((10, 1.0), (20, -2.0), (30, 0.5))

    assert policies._need(read, 0, 10) == 1.0
    assert policies._need(read, 10, 20) == -2.0
    # This reaches into the last two.
    assert policies._need(read, 15, 25) == 0.5
