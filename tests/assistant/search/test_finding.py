"""What is found, why, by whom, and by which index."""

from __future__ import annotations

import pytest
from django.utils import timezone

from assistant.library import deletion
from assistant.models import Folder, Message
from assistant.search import finding, meaning
from assistant.search.finding import Wanted, Way
from tests.factories import ada, answer, ben, caller, conversation, said

pytestmark = pytest.mark.django_db


def texts(*hits: finding.Hit) -> list[str]:
    return ["".join(segment.text for segment in hit.excerpt) for hit in hits]


def test_words_are_found_and_marked_whatever_their_case() -> None:
    said(conversation(ada()), "Where does the Moon go?")
    said(conversation(ada()), "What is rain?")

    (hit,) = finding.find(ada(), Wanted("moon"))

    assert Way.WORDS in hit.ways
    assert [each.text for each in hit.excerpt if each.is_match] == ["Moon"]


def test_the_excerpt_of_an_answer_has_its_words_without_its_markdown() -> None:
    answer(said(conversation(ada()), "Is **this** bold?"), "# Tides\n\n* The **Moon** pulls")

    (by_words,) = finding.find(ada(), Wanted("moon"))
    (by_part,) = finding.find(ada(), Wanted("oon pul"))
    (of_person,) = finding.find(ada(), Wanted("bold"))

    assert texts(by_words) == ["Tides\n\nThe Moon pulls"]
    assert texts(by_part) == ["Tides\n\nThe Moon pulls"]
    assert texts(of_person) == ["this** bold"]


def test_the_last_word_may_be_unfinished() -> None:
    said(conversation(ada()), "The restaurant by the sea")

    (hit,) = finding.find(ada(), Wanted("the resta"))

    assert hit.ways[0] == Way.WORDS


def test_a_part_of_a_word_and_a_misspelled_one_are_found() -> None:
    said(conversation(ada()), "The restaurant by the sea")

    (by_part,) = finding.find(ada(), Wanted("staurant"))
    (by_error,) = finding.find(ada(), Wanted("restaurnat"))

    assert by_part.ways == [Way.PART]
    assert by_error.ways == [Way.SPELLING]
    assert [each.text for each in by_part.excerpt if each.is_match] == ["staurant"]


def test_a_meaning_is_found_where_no_word_is_shared() -> None:
    said(conversation(ada()), "Tides rise and fall because the Moon pulls at the sea.")
    said(conversation(ada()), "Write a Python function that sorts a list")
    meaning.fill_in()

    (hit,) = finding.find(ada(), Wanted("oceans and gravity"))

    assert hit.ways == [Way.MEANING]
    assert texts(hit) == ["Tides rise and fall because the Moon pulls at the sea."]


def test_what_is_found_in_two_ways_comes_before_what_is_found_in_one() -> None:
    where = conversation(ada(), title="Tides")
    first = said(where, "The sea, and how tides of the sea work at the sea")
    said(where, "A sea of troubles, said Hamlet")
    meaning.fill_in()

    hits = finding.find(ada(), Wanted("sea tides"))

    assert hits[0].message == first.pk
    assert set(hits[0].ways) >= {Way.WORDS, Way.MEANING}


def test_a_title_is_found_as_a_conversation() -> None:
    row = conversation(ada(), title="Planning the garden")

    (hit,) = finding.find(ada(), Wanted("garden"))

    assert (hit.conversation, hit.message, hit.ways) == (row, None, [Way.TITLE])


def test_someone_elses_text_is_never_found() -> None:
    said(conversation(ben(), title="The moon"), "The moon is made of cheese")
    meaning.fill_in()

    assert finding.find(ada(), Wanted("moon")) == []
    assert finding.find(ada(), Wanted("The moon is made of cheese")) == []


def test_deleted_and_temporary_ones_are_never_found() -> None:
    gone = said(conversation(ada()), "The moon")
    said(conversation(ada(), is_temporary=True, title="Moon"), "The moon")
    hidden = said(conversation(ada()), "The moon")
    Message.objects.filter(pk=hidden.pk).update(deleted_at=timezone.now())
    meaning.fill_in()
    deletion.delete(ada(), [gone.conversation_id])

    assert finding.find(ada(), Wanted("moon")) == []


def test_filters_narrow_every_way() -> None:
    folder = Folder.objects.create(owner=ada(), name="Work")
    filed = said(conversation(ada(), folder=folder), "The moon")
    archived = answer(said(conversation(ada(), is_archived=True), "Hello"), "A moon")
    meaning.fill_in()

    def found(**limits: object) -> set[object]:
        return {hit.message for hit in finding.find(ada(), Wanted("moon", **limits))}

    assert found() == {filed.pk, archived.pk}
    assert found(folder=folder.pk) == {filed.pk}
    assert found(is_archived=True) == {archived.pk}
    assert found(role="user") == {filed.pk}
    today = timezone.now().date()
    assert found(since=today, until=today) == {filed.pk, archived.pk}
    assert found(until=today.replace(year=2020)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "'",
        "\\",
        "%",
        "_",
        "a & | !",
        '"open',
        "-moon",
        "or",
        "🌙",
        "\N{NULL}x",
        "(",
        ":*",
    ],
)
def test_no_question_is_an_error(text: str) -> None:
    said(conversation(ada()), "The moon")

    response = caller(ada()).get("/v1/search", {"q": text})

    assert response.status_code == 200


def test_quotes_and_minus_mean_what_they_mean_elsewhere() -> None:
    said(conversation(ada()), "full moon")
    said(conversation(ada()), "moon, full of craters")

    exact = finding.find(ada(), Wanted('"full moon"'))
    without = finding.find(ada(), Wanted("moon -craters"))

    assert texts(*exact) == ["full moon"]
    assert "moon, full of craters" not in texts(*(hit for hit in without if Way.WORDS in hit.ways))


def test_markup_in_a_text_is_text() -> None:
    said(conversation(ada()), "<img src=x onerror=alert(1)> moon \x02not a mark\x03")

    (hit,) = caller(ada()).get("/v1/search", {"q": "moon"}).json()["data"]

    marked = [each["text"] for each in hit["excerpt"] if each["is_match"]]
    assert marked == ["moon"]
    assert "onerror=alert(1)>" in "".join(each["text"] for each in hit["excerpt"])
