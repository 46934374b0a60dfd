"""How often people may do things: by person, by address, and not at all without Valkey."""

from __future__ import annotations

import json
import logging

import pytest

from assistant import rates, valkey
from assistant.errors import RateExceeded
from assistant.rates import Kind
from tests import factories

pytestmark = pytest.mark.usefixtures("valkey_url")
HOME_ADDRESS, OFFICE_ADDRESS = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def limited(settings):
    """`limited(messages="2/minute")` in place of the defaults."""

    def to(**wanted):
        settings.RATES = rates.parsed(wanted)

    return to


def test_one_act_too_many_is_refused_and_says_when_to_come_back(limited):
    limited(messages="2/minute")
    rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)
    rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)

    with pytest.raises(RateExceeded, match=r"more than 2 messages a minute") as refused:
        rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)

    # The first one leaves the window a minute after it came in.
    assert 58 <= refused.value.retry_after_s <= 60


def test_people_and_kinds_are_counted_apart(limited):
    limited(messages="1/minute", feedback="1/minute")

    rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)
    rates.spend(Kind.MESSAGES, 2, HOME_ADDRESS)
    rates.spend(Kind.FEEDBACK, 1, HOME_ADDRESS)


def test_an_address_may_do_ten_times_what_a_person_may(limited):
    limited(messages="1/minute")
    for person in range(10):
        rates.spend(Kind.MESSAGES, person, HOME_ADDRESS)

    with pytest.raises(RateExceeded):
        rates.spend(Kind.MESSAGES, 11, HOME_ADDRESS)
    rates.spend(Kind.MESSAGES, 12, OFFICE_ADDRESS)


def test_tokens_of_a_day_are_looked_at_with_the_next_message(limited):
    limited(tokens="100/day")
    rates.note_tokens(1, 99)
    rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)
    rates.note_tokens(1, 1)

    with pytest.raises(RateExceeded, match="100 tokens a day"):
        rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)


def test_a_limit_can_be_taken_away(limited):
    limited(messages="off")

    for _ in range(700):
        rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)


def test_a_valkey_that_was_started_anew_learns_the_script_again(limited):
    limited(messages="1/minute")
    rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)
    valkey.client().script_flush()

    with pytest.raises(RateExceeded):
        rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)


def test_without_valkey_everything_is_let_through_and_the_log_says_so(limited, settings, caplog):
    limited(messages="1/minute")
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock"

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            rates.spend(Kind.MESSAGES, 1, HOME_ADDRESS)

    assert [record.message for record in caplog.records] == [caplog.records[0].message]
    assert "nothing is limited for 5 s" in caplog.text


def test_hits_are_kept_for_administrators(limited):
    limited(searches="1/minute")
    rates.spend(Kind.SEARCHES, 7, HOME_ADDRESS)
    with pytest.raises(RateExceeded):
        rates.spend(Kind.SEARCHES, 7, HOME_ADDRESS)

    counts, newest = rates.refusals()

    assert counts == {"searches": 1}
    assert newest[0] | {"at": ""} == {
        "kind": "searches",
        "person": 7,
        "address": HOME_ADDRESS,
        "at": "",
    }


@pytest.mark.parametrize(
    "wanted", [{"talking": "1/minute"}, {"messages": "often"}, {"tokens": "9/minute"}]
)
def test_nonsense_stops_the_start(wanted):
    with pytest.raises(ValueError, match=r"Kind|rate|day"):
        rates.parsed(wanted)


@pytest.mark.django_db
def test_the_api_answers_429_in_openais_shape_with_a_time(limited):
    limited(feedback="1/minute")
    client = factories.caller(factories.ada())
    body = {"message": str(factories.served(factories.ada()).pk), "kind": "up"}
    client.post("/v1/feedback", body, content_type="application/json")

    answer = client.post("/v1/feedback", body, content_type="application/json")

    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    error = json.loads(answer.content)["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")


@pytest.mark.django_db
def test_a_chat_over_the_api_counts_as_a_message(limited):
    limited(messages="1/minute")
    client = factories.caller(factories.ada())
    # A model that does not exist: the request counts before that is found out.
    body = {"model": "none", "messages": [{"role": "user", "content": "?"}]}
    client.post("/v1/chat/completions", body, content_type="application/json")

    answer = client.post("/v1/chat/completions", body, content_type="application/json")

    assert answer.status_code == 429
