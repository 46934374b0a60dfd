"""How sentences are put before the model to be judged."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from inference.diffusion import Window, admit
from inference.diffusion.marker import (
    CONTEXT_TOKENS,
    MARK,
    QUESTION,
    READING_TOKENS,
    answers,
    gathered,
    readings,
)
from inference.diffusion.sentences import sentences
from inference.diffusion.window import BLOCK_TOKENS
from tests.inference.words import small_tokenizer

TOKENIZER = small_tokenizer()
ENCODE = TOKENIZER.encode


def dialogue(*texts):
    window = Window("")
    for number, text in enumerate(texts):
        role = ("user", "assistant")[number % 2]
        window = admit(window, f"m{number}", role, text, TOKENIZER)
    return window.blocks


def test_a_mark_follows_each_sentence_of_what_was_not_read_yet():
    blocks = dialogue("It rained. Ada ran home.", "Did she?")

    (reading,) = readings(blocks, {0, 1}, ENCODE)

    assert TOKENIZER.decode(reading.token_ids) == (
        QUESTION + "user: It rained. -> Ada ran home. ->\nassistant: Did she? ->\n"
    )
    assert reading.asked == [(0, 0), (0, 1), (1, 0)]
    ends = [TOKENIZER.decode(reading.token_ids[: place + 1]) for place in reading.places]
    assert all(text.endswith(MARK) for text in ends)
    assert ends[0].endswith("It rained. ->")


def test_what_was_read_before_is_context_and_is_not_judged_again():
    blocks = dialogue("It rained.", "Did it?", "Yes.")

    (reading,) = readings(blocks, {2}, ENCODE)

    assert "It rained." in TOKENIZER.decode(reading.token_ids)
    assert reading.asked == [(2, 0)]


def test_a_plain_reading_has_neither_question_nor_marks_and_says_where_sentences_are():
    blocks = dialogue("It rained. Ada ran home.", "Did she?")

    (reading,) = readings(blocks, {0, 1}, ENCODE, plain=True)

    text = "user: It rained. Ada ran home.\nassistant: Did she?\n"
    assert TOKENIZER.decode(reading.token_ids) == text
    said = [TOKENIZER.decode(reading.token_ids[begin:end]) for begin, end in reading.spans]
    assert said == [" It rained.", " Ada ran home.", " Did she?"]
    assert reading.places == [end - 1 for _, end in reading.spans]


def test_nothing_unread_is_nothing_to_read():
    assert readings(dialogue("It rained."), set(), ENCODE) == []
    assert readings((), set(), ENCODE) == []


def test_the_cost_of_reading_a_turn_does_not_grow_with_the_dialogue():
    short = dialogue(*["It rained in Manila on the third of May."] * 40)
    long = dialogue(*["It rained in Manila on the third of May."] * 400)

    (of_short,) = readings(short, {39}, ENCODE)
    (of_long,) = readings(long, {399}, ENCODE)

    assert len(of_short.token_ids) == len(of_long.token_ids)


@given(st.lists(st.text(min_size=1, max_size=400), min_size=1, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_every_sentence_is_judged_once_in_bounded_readings(texts, data):
    blocks = dialogue(*texts)
    unread = data.draw(st.sets(st.sampled_from([block.id for block in blocks])))

    done = readings(blocks, unread, ENCODE)

    asked = [each for reading in done for each in reading.asked]
    assert asked == [
        (block.id, number)
        for block in blocks
        if block.id in unread
        for number in range(len(sentences(block.text)))
    ]
    assert all(len(reading.places) == len(reading.asked) for reading in done)
    # A sentence is a token at least, and has a mark and maybe a space.
    largest = READING_TOKENS + CONTEXT_TOKENS + 6 * BLOCK_TOKENS
    assert all(len(reading.token_ids) < largest for reading in done)


def test_the_judgements_are_gathered_by_block():
    done = readings(dialogue("It rained. Ada ran.", "Did she?"), {0, 1}, ENCODE)

    assert gathered([(done[0], [1.0, 2.0, 3.0])]) == {0: [1.0, 2.0], 1: [3.0]}


def test_yes_and_no_are_different_words():
    assert len(set(answers(ENCODE))) == 2
