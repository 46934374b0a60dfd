"""Names by rule, and which of a model's names count."""

from __future__ import annotations

from uuid import uuid4

import pytest

from assistant.library import titles
from assistant.models import Conversation
from tests.factories import ada, answer, conversation, said


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("What is rain?", "What is rain?"),
        ("Hi Danas, could you please explain how tides work?", "Explain how tides work?"),
        ("please write a poem about rice. Make it short.", "Write a poem about rice"),
        ("Puwede mo bang isalin ito sa Ingles? Salamat po", "Isalin ito sa Ingles?"),
        ("\n\n## A heading\nand more", "A heading"),
        ("Fix this bug for me, thanks!", "Fix this bug for me"),
        ("hello", "Hello"),
        ("v1.5 is broken. Why?", "V1.5 is broken"),
        ("", ""),
        # 59 characters and "…" are the most; the last whole word before that is "seven".
        (
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
            "One two three four five six seven eight nine ten eleven…",
        ),
    ],
)
def test_the_first_clause_without_its_politeness_is_the_title(text: str, title: str) -> None:
    assert titles.by_rule(text) == title


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ('"How Tides Work"', "How Tides Work"),
        ("Moon and tides.", "Moon and tides"),
        ("Sure! Here is a title for tides", ""),
        ("Title: Tides", ""),
        ("Removing a red wine stain", ""),
        ("Tides rise and fall because the Moon pulls at the sea and", ""),
        ("Tides\nThe sea", ""),
        ("", ""),
    ],
)
def test_a_models_title_counts_if_it_is_short_and_about_what_was_said(
    words: str, title: str
) -> None:
    question, reply = "How do tides work?", "The Moon pulls at the sea."

    assert titles.plausible(words, question, reply) == title


@pytest.mark.django_db
def test_a_persons_title_is_never_overwritten() -> None:
    reply = answer(said(conversation(ada(), title="Mine", titled_by="person")))

    was_named = titles.name(reply.pk, "The model's")

    assert not was_named
    assert titles.exchange(reply.pk) is None
    assert Conversation.objects.get().title == "Mine"


@pytest.mark.django_db
def test_the_models_title_takes_the_place_of_the_rules_once() -> None:
    reply = answer(said(conversation(ada(), title="What is…")))

    was_named = titles.name(reply.pk, "Rain")
    again = titles.name(reply.pk, "Snow")

    assert (was_named, again) == (True, False)
    row = Conversation.objects.get()
    assert (row.title, row.titled_by) == ("Rain", "model")


@pytest.mark.django_db
def test_naming_what_is_gone_does_nothing() -> None:
    assert not titles.name_by_model(uuid4())


@pytest.mark.django_db(transaction=True)
def test_only_the_first_answer_asks_for_a_title_and_only_where_the_model_gives_them(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(titles.current_app, "send_task", lambda name, args: asked.append(args))
    first = answer(said(conversation(ada())))
    second = answer(said(first.conversation, "And?", parent=first))

    settings.TITLES = "words"
    titles.ask_if_first(first)
    settings.TITLES = "model"
    titles.ask_if_first(first)
    titles.ask_if_first(second)

    assert asked == [[str(first.pk)]]


def test_a_small_model_is_not_asked(tmp_path, settings) -> None:
    settings.TITLES, settings.MODEL_PATH = "auto", tmp_path
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)

    assert not titles.is_by_model()
