"""Which sentences speak of the person who said them, and which of two holds."""

from __future__ import annotations

import pytest

from assistant.memory.statements import kind_of, replaces


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("I don't eat meat at all.", "fact"),
        ("My sister lives in Davao.", "fact"),
        ("I prefer short answers.", "preference"),
        ("My favourite colour is green.", "preference"),
        ("Ayoko ng maanghang, gusto ko ng matamis.", "preference"),
        ("Nakatira ako sa Cebu.", "fact"),
        ("Should I take the job in Manila?", "question"),
        ("I still have to decide where to go in June.", "question"),
    ],
)
def test_what_people_say_of_themselves_is_told_apart(sentence, kind):
    assert kind_of(sentence) == kind


@pytest.mark.parametrize(
    "sentence",
    [
        "Tides rise because of the Moon.",
        "What is the capital of France?",
        "Can you tell me what I should wear?",
        "I want you to write a poem.",
        "Please shorten my letter.",
        "I do.",
        "> I love cheese, wrote Tom.",
        "“I love cheese,” he said.",
        "I like " + "very " * 80 + "much cheese.",
    ],
)
def test_questions_about_the_world_requests_and_quotations_speak_of_nobody(sentence):
    assert kind_of(sentence) is None


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("My favourite colour is blue now.", "My favourite colour is green."),
        ("I live in Cebu.", "I live in Manila."),
        ("I moved to Cebu.", "I live in Manila."),
        ("I no longer like green tea.", "I like green tea."),
        ("I don't like green tea.", "I like green tea."),
        ("I eat meat now.", "I don't eat meat."),
        ("I really like green tea.", "I like green tea."),
        ("Ang paborito kong kulay ay asul.", "Ang paborito kong kulay ay pula."),
    ],
)
def test_a_later_statement_about_the_same_thing_takes_the_earlier_ones_place(later, earlier):
    assert replaces(later, earlier)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("I like green apples.", "I like green tea."),
        ("I have a brother.", "I have a sister."),
        ("I have a dog now.", "I have a cat."),
        ("My sister is coming on Friday.", "My sister is a nurse."),
        ("I don't like coffee.", "I like green tea."),
        ("I work at a bank.", "I live in Manila."),
    ],
)
def test_what_is_about_something_else_stands_beside_it(later, earlier):
    assert not replaces(later, earlier)
