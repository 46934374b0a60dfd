"""The copy guard: what a text worded anew may not say."""

from dataclasses import replace

import pytest

from inference.diffusion import Block
from inference.diffusion.guard import accepted, objections
from tests.inference.words import small_tokenizer

TOKENIZER = small_tokenizer()
STORY = (
    "I moved to Cebu on 3 May 2026 with Ben. I don't like the rain there, it's so wet."
    " The house cost 1,299 dollars; see https://example.org/house. Ben called it “our castle”."
    " Do you know the city?"
)


def block(text=STORY):
    return Block(0, "m", "user", text, *TOKENIZER.counts([text]))


@pytest.mark.parametrize(
    "text",
    [
        "I moved to Cebu with Ben on 3 May 2026.",
        "With Ben, I moved to Cebu.",
        "The house cost 1,299 dollars.",
        "I don't like the rain in Cebu.",
        "See https://example.org/house.",
        "Ben called the house “our castle”.",
        "Do you know the city?",
        "user moved to Cebu.",
    ],
)
def test_what_the_source_says_may_be_said(text):
    assert list(objections(block(), text)) == []


@pytest.mark.parametrize(
    ("text", "objection"),
    [
        ("I moved to Cebu on 4 May 2026.", "number"),
        ("The house cost 12,99 dollars.", "number"),
        ("The house cost 1,29 dollars.", "number"),
        ("I moved to Cebu with Ben on Monday.", "count or date"),
        ("I moved to Cebu with Ben, three houses.", "count or date"),
        ("I moved to Rome with Ben.", "name"),
        ("Rome is so wet.", "name"),
        ("Tom moved to Cebu.", "name"),
        ("我 moved to Cebu", "name"),
        ("I bought a boat and sold a farm.", "invention"),
        ("See https://example.org/hou", "address"),
        ("Write to ben@example.org about the house.", "address"),
        ("Ben called it “our rain castle”.", "quotation"),
        ("I like the rain there.", "negation"),
        ("I never moved to Cebu with Ben.", "negation"),
        ("Do you like the house in Cebu?", "question"),
        ("I'm sorry, I can't see the house.", "refusal"),
        ("Here is a shorter version: I moved to Cebu.", "about the task"),
        ("", "empty"),
        ("…", "empty"),
        (" \n ", "empty"),
    ],
)
def test_what_the_source_does_not_say_is_objected_to(text, objection):
    assert objection in list(objections(block(), text))


def test_a_right_to_left_text_may_leave_words_out_and_add_none():
    source = block("انتقلت إلى مانيلا في مايو. الطقس جميل.")

    assert list(objections(source, "انتقلت إلى مانيلا.")) == []
    assert "name" in list(objections(source, "انتقلت إلى سيبو."))


def test_a_text_within_its_budget_takes_the_blocks_place():
    text = "I moved to Cebu with Ben."
    [tokens] = TOKENIZER.counts([text])
    source = replace(block(), rewrites=1, is_pinned=True)

    taken = accepted(source, f" {text}\n", tokens, TOKENIZER)

    assert taken == replace(source, text=text, tokens=tokens, rewrites=2)
    assert accepted(source, text, tokens - 1, TOKENIZER) is None


def test_a_sentence_is_as_likely_as_the_likeliest_it_comes_from():
    source = block("Ben has a dog. Ben has a house. It rained.")
    source = replace(source, needs=(-1.0, 2.0, -4.0))

    taken = accepted(source, "It rained. Ben has a dog. Ben has.", 99, TOKENIZER)

    # "Ben has" shares two words with the first sentence and two with the second.
    assert taken is not None
    assert taken.needs == (-4.0, -1.0, 2.0)
