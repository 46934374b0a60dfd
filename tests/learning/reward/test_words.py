import pytest

from learning.reward.words import NOTHING, Reading, read


@pytest.mark.parametrize(
    ("text", "is_praise", "confidence"),
    [
        ("Too long.", False, 0.8),
        ("That is wrong!", False, 0.9),
        ("Perfect", True, 0.9),
        ("Thanks, this is helpful", True, 0.7),
        ("No, it is wrong.", False, 0.9),
        ("It\u2019s far too\nverbose", False, 0.8),
        # A negation turns a word round and leaves half of it.
        ("Not helpful at all", False, 0.35),
        ("not wrong", True, 0.45),
        # Praise of 0.9 less blame of 0.5.
        ("Great, but some mistakes", True, 0.4),
        # In a question words count half.
        ("Is this wrong?", False, 0.45),
    ],
)
def test_words_praise_or_blame(text, is_praise, confidence):
    assert read(text) == Reading(is_praise, confidence)


@pytest.mark.parametrize(
    "text", ["", "Hm.", "I live in Greatham.", "good but too long", "Is it right or wrong?", "長い"]
)
def test_where_words_leave_doubt_nothing_is_said(text):
    assert read(text) == NOTHING


def test_tags_count_like_words():
    assert read("Hm.", ["too_long"]) == Reading(is_praise=False, confidence=0.8)
    assert read("", ["clear"]) == Reading(is_praise=True, confidence=0.7)


def test_a_tag_against_the_words_leaves_doubt():
    # Blame of 0.9 less praise of 0.7.
    assert read("wrong", ["clear"]) == NOTHING
