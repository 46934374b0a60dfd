"""Markdown as the words in it."""

from __future__ import annotations

import pytest

from assistant.search.plain import plain


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("## Tides\n\nThe **Moon** pulls.", "Tides\n\nThe Moon pulls."),
        ("> - [x] *Buy* `rope`\n> - [ ] ~~Sail~~", "Buy rope\nSail"),
        ('See [the **chart**](https://a.example/x "Chart").', "See the chart."),
        ("![A boat](boat.png)", "A boat"),
        ("| Port | Depth |\n|:-----|------:|\n| Cebu | 8 m |", "Port, Depth\nCebu, 8 m"),
        ("```python\nx = a | b\n```\nDone", "x = a | b\nDone"),
        (r"5 \* 3 is \_fifteen\_", "5 * 3 is _fifteen_"),
    ],
)
def test_the_signs_go_and_the_words_stay(markdown: str, words: str) -> None:
    assert plain(markdown) == words


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "snake_case_name",
        "f(*args, **kwargs)",
        "not **closed",
        "a - b",
        "#tag",
        "well-known",
    ],
)
def test_what_is_no_markdown_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    "piece", ["*", "_", "`", "[", "](", "| ", "> ", "~~", "**a ", "![a](", "-"]
)
def test_hostile_texts_are_gone_through_to_their_end(piece: str) -> None:
    # Were a rule to go over it again from each of its characters, this would take minutes.
    text = piece * (20_000 // len(piece)) + "a\na"

    assert plain(text).endswith("a")
