import numpy as np
import pytest

from assistant.accounts import people
from assistant.models import Message, Pull
from assistant.search import meaning
from assistant.trajectories import feed, search
from tests import factories

pytestmark = pytest.mark.django_db


def found(query, who=factories.rho):
    return factories.caller(who()).get(f"/v1/trajectories/found?{query}").json()["data"]


def ids(query):
    return [row["trajectory_id"] for row in found(query)]


def about(text, owner=factories.ada):
    answer = factories.served(owner(), text)
    feed.give_places()
    return str(answer.pk)


def test_what_is_new_is_there_without_a_query():
    answer = factories.served(factories.ada(), "Rain falls.")

    assert ids("") == [str(answer.pk)]


def test_a_query_without_a_word_that_the_vectors_know_finds_nothing(monkeypatch):
    about("Rain falls.")
    meaning.fill_in()
    monkeypatch.setattr(search, "embed", lambda texts: np.zeros((len(texts), 256), np.float32))

    assert ids("q=unknown&by=meaning") == []


def test_a_filter_holds_for_what_a_query_finds():
    about("Rain falls.")
    liked = about("Rain fell.")
    factories.feedback(Message.objects.get(pk=liked))
    meaning.fill_in()

    for by in ("words", "meaning"):
        assert ids(f"q=rain&by={by}&feedback=up") == [liked]


def test_without_a_query_the_latest_come_first():
    first, second = about("Rain falls."), about("Snow falls.")

    assert ids("") == [second, first]


def test_words_are_found_in_the_answer_and_in_the_question():
    rain, _ = about("Rain falls."), about("Snow melts.")

    assert ids("q=rain") == [rain]
    assert len(ids("q=hello")) == 2


def test_meaning_is_found_without_a_common_word():
    about("The train to Berlin leaves at noon.")
    cat = about("A kitten likes to sleep in the sun.")
    meaning.fill_in()

    assert ids("q=my+cat+is+resting&by=meaning")[0] == cat


def test_nobody_is_found_who_does_not_share():
    about("Rain falls.", factories.cy)
    people.change_consent(factories.cy(), training=None, research=False)
    meaning.fill_in()

    for query in ("", "q=rain", "q=rain&by=meaning"):
        assert ids(query) == []


def test_one_is_shown_token_by_token_and_that_is_written_down():
    answer = about("Rain falls.")

    shown = factories.caller(factories.rho()).get(f"/v1/trajectories/{answer}").json()

    assert shown["row"]["logprobs"] == [-0.5, -0.25]
    assert len(shown["pieces"]) == 2
    assert [pull.how for pull in Pull.objects.all()] == ["look"]


def test_one_that_is_not_shared_is_not_there():
    answer = about("Rain falls.")
    people.change_consent(factories.ada(), training=None, research=False)

    response = factories.caller(factories.rho()).get(f"/v1/trajectories/{answer}")

    assert response.status_code == 404
