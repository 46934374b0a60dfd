import random
from collections import Counter

from tests.simulation import prompts
from tests.simulation.attributes import AsksBack, Short
from tests.simulation.people import (
    Answer,
    Habits,
    Kind,
    Person,
    crowd,
    drifting,
    with_attackers,
)

ASKS = Answer("a", "Owls fly. Do you?", "base")
TELLS = Answer("b", "Owls fly.", "base")
SURE = Habits(flip_rate=0.0)


def judged(person, way, *answers, event=0):
    return person.judge(way, answers, event, random.Random(0))


def test_a_thumb_says_whether_the_wish_is_met():
    person = Person(0, AsksBack(), SURE)

    assert judged(person, Kind.UP, ASKS).kind is Kind.UP
    assert judged(person, Kind.UP, TELLS).kind is Kind.DOWN


def test_of_two_answers_the_better_one_is_preferred():
    reaction = judged(Person(0, AsksBack(), SURE), Kind.PREFERENCE, TELLS, ASKS)

    assert (reaction.kind, reaction.message, reaction.over) == (Kind.PREFERENCE, "a", "b")


def test_where_two_answers_are_alike_the_first_gets_a_thumb():
    reaction = judged(Person(0, AsksBack(), SURE), Kind.PREFERENCE, TELLS, TELLS)

    assert (reaction.kind, reaction.message) == (Kind.DOWN, "b")


def test_a_correction_is_the_answer_as_it_should_have_been():
    reaction = judged(Person(0, AsksBack(), SURE), Kind.CORRECTION, TELLS)

    assert reaction.kind is Kind.CORRECTION
    assert reaction.text == "Owls fly. Would you like to know more?"


def test_who_always_slips_says_the_contrary():
    person = Person(0, AsksBack(), Habits(flip_rate=1.0))

    assert judged(person, Kind.UP, ASKS).kind is Kind.DOWN
    assert judged(person, Kind.PREFERENCE, ASKS, TELLS).message == "b"
    assert judged(person, Kind.CORRECTION, TELLS).kind is Kind.UP


def test_ways_of_judging_come_as_often_as_the_habits_say():
    person, draw = Person(0, AsksBack(), Habits(0.3, 0.25, 0.05)), random.Random(1)

    ways = Counter(person.way(draw) for _ in range(4000))

    # Four standard deviations of a share of 0.3 over 4000 draws are 0.03.
    assert abs(ways[Kind.PREFERENCE] / 4000 - 0.3) < 0.03
    assert abs(ways[Kind.CORRECTION] / 4000 - 0.25) < 0.03
    assert abs(ways[Kind.UP] / 4000 - 0.4) < 0.03


def test_attackers_work_against_the_others():
    people = with_attackers(crowd(AsksBack(), 20), attackers=2)

    assert [person.number for person in people if person.eagerness > 1] == [18, 19]
    assert judged(people[19], Kind.UP, TELLS).kind is Kind.UP
    assert judged(people[19], Kind.UP, ASKS).kind is Kind.DOWN
    assert people[17].wish == AsksBack()


def test_a_drifting_share_changes_its_mind_at_an_event():
    people = drifting(crowd(AsksBack(), 4, SURE), share=0.5, at=10, wish=Short(most=3))

    kinds = [judged(people[1], Kind.UP, ASKS, event=event).kind for event in (9, 10)]
    assert kinds == [Kind.UP, Kind.DOWN]
    assert people[2].turn is None


def test_questions_are_many_and_the_held_out_ones_are_about_other_things():
    asked = prompts.training(0, 900)
    held_out = prompts.held_out(0, 500)

    assert len(set(asked)) == 900
    assert len(set(held_out)) == 500
    assert not set(asked) & set(held_out)
    assert not set(prompts.TRAINING) & set(prompts.HELD_OUT)


def test_questions_depend_on_the_seed_alone():
    assert prompts.training(1, 50) == prompts.training(1, 100)[:50]
    assert prompts.training(1, 50) != prompts.training(2, 50)
