import random

import pytest

from tests.simulation import attributes
from tests.simulation.attributes import (
    FAMILIES,
    All,
    AsksBack,
    Exclaims,
    FirstPerson,
    Listed,
    Numbers,
    Opposite,
    Short,
    wish_of,
)

ANSWERS = (
    "",
    "Yes.",
    "Rain is water that falls from clouds. It is wet. People carry umbrellas when it rains a lot.",
    "1. Take 3 eggs.\n2. Beat them.\n3. I fry them!",
    "I love owls! Do you? They fly at night, and my favourite has 2 eyes and a very long name",
)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(6))
def test_a_corrected_answer_meets_the_wish(family, seed):
    wish = wish_of(family, seed)

    for answer in ANSWERS:
        assert wish.met(wish.correct(answer)), (wish.name, wish.correct(answer))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_meets_the_wish_scores_one_and_the_rest_less(family):
    wish = wish_of(family, 0)

    for answer in ANSWERS:
        assert (wish.score(answer) == 1) == wish.met(answer)


def test_the_same_seed_draws_the_same_wish_and_others_draw_others():
    drawn = [wish_of("length", seed) for seed in range(20)]

    assert drawn == [wish_of("length", seed) for seed in range(20)]
    assert len(set(drawn)) == 3


def test_an_answer_twice_as_long_as_wished_is_worth_half():
    assert Short(most=4).score("one two three four five six seven eight") == 0.5


def test_a_short_answer_is_cut_at_a_sentence_where_one_fits():
    wish = Short(most=6)

    assert wish.correct("Owls fly at night. They eat mice.") == "Owls fly at night."
    assert wish.correct("Owls fly at night and eat mice.") == "Owls fly at night and eat."


@pytest.mark.parametrize(
    ("wish", "answer", "is_met"),
    [
        (Listed(wanted=True), "- a\n- b", True),
        (Listed(wanted=True), "1) a", False),
        (Listed(wanted=False), "a - b", True),
        (AsksBack(), 'She said: "Why?"', True),
        (AsksBack(), "Why? Because.", False),
        (Numbers(wanted=True), "In 1990.", True),
        (FirstPerson(wanted=True), "It is what it is. In Iceland.", False),
        (FirstPerson(wanted=True), "In my view.", True),
        (Exclaims(wanted=False), "", False),
    ],
)
def test_what_counts(wish, answer, is_met):
    assert wish.met(answer) is is_met


def test_several_wishes_are_met_together_and_score_their_mean():
    both = All((Short(most=8), AsksBack()))

    assert both.score("Owls are birds.") == 0.5
    assert both.met("Owls are birds. Do you like them?")


def test_an_opponent_wants_exactly_what_others_do_not():
    assert Opposite(AsksBack()).met("No.")
    assert Opposite(AsksBack()).score("Why?") == 0


def test_a_family_from_elsewhere_is_named_by_its_path():
    wish = wish_of(f"{__name__}:whispering", 3)

    assert wish.name == "ends with a question"


def whispering(draw: random.Random) -> attributes.Wish:
    return AsksBack()


def test_an_unknown_family_says_which_there_are():
    with pytest.raises(ValueError, match=r"neither a family \(length, list"):
        wish_of("rhymes", 0)
