"""The tools that Danas brings along, as an answer uses them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from assistant.models import Allowance, Note, Reminder, ToolCall, User
from assistant.tools import builtin, calling, offers, schemas
from inference.contracts import Call
from tests import factories
from tests.assistant.memory.conftest import counted
from tests.assistant.tools.test_calling import making

__all__ = ["counted"]
pytestmark = pytest.mark.django_db


def used(name: str, generation=None, **arguments) -> ToolCall:
    """A call that its person allowed."""
    generation = generation or making()
    owner = generation.message.conversation.owner
    step = ToolCall.objects.filter(generation=generation).count()
    [call] = calling.begin(generation, step, [Call("c", name, json.dumps(arguments))])
    return async_to_sync(calling.run)(calling.decide(owner, call.pk, "once"))


def living_in(zone: str) -> User:
    ada = factories.ada()
    User.objects.filter(pk=ada.pk).update(time_zone=zone)
    return ada


def at(monkeypatch, moment: datetime) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_every_tool_says_what_it_takes_in_a_schema_that_can_be_checked():
    for tool in builtin.ALL.values():
        assert schemas.is_usable(tool.schema), tool.name
        assert schemas.is_usable(tool.parameters), tool.name
        assert tool.parameters["properties"].keys() == tool.schema["properties"].keys()


def test_the_time_is_that_of_the_person_s_place(monkeypatch):
    living_in("Asia/Manila")
    # Midnight in Greenwich is eight in the morning there.
    at(monkeypatch, datetime(2026, 11, 24, 0, 0, tzinfo=UTC))

    assert used("time").result == "Tuesday, 24 November 2026, 08:00 (Asia/Manila)"


def test_the_time_of_another_place_can_be_asked_for(monkeypatch):
    at(monkeypatch, datetime(2026, 7, 1, 12, 0, tzinfo=UTC))

    assert used("time", time_zone="Europe/Berlin").result.endswith("14:00 (Europe/Berlin)")
    assert "no time zone “Mars”" in used("time", time_zone="Mars").result


def test_a_reminder_is_at_the_person_s_own_time():
    living_in("Asia/Manila")
    day = (timezone.now() + timedelta(days=3)).date()

    done = used("reminders_set", text="Tea", at=f"{day}T17:00")

    assert done.result.startswith("Set for ")
    assert done.result.endswith("17:00 (Asia/Manila): Tea")
    # Manila is eight hours ahead, all year.
    assert Reminder.objects.get().due_at == datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"in_minutes": 5, "at": "2100-01-01T00:00"}, "either `at` or `in_minutes`"),
        ({}, "either `at` or `in_minutes`"),
        ({"at": "tomorrow"}, "“tomorrow” is no time"),
        ({"at": "2020-01-01T00:00"}, "This time is over already."),
        ({"at": "9999-12-31T23:59"}, "more than ten years away"),
        ({"at": "0001-01-01T00:00"}, "This time is over already."),
    ],
)
def test_a_time_that_can_t_be_meant_is_said_to_the_policy(arguments, said):
    failed = used("reminders_set", text="Tea", **arguments)

    assert failed.is_error
    assert said in failed.result
    assert not Reminder.objects.exists()


def test_reminders_are_listed_and_cancelled():
    generation = making()
    used("reminders_set", generation, text="Tea", in_minutes=5)
    factories.reminder(factories.cy(), "Not Ada's")

    listed = used("reminders_list", generation).result
    cancelled = used("reminders_cancel", generation, text="tea").result

    assert "Tea" in listed
    assert "Not Ada's" not in listed
    assert cancelled.startswith("Cancelled: Tea")
    assert used("reminders_cancel", generation, text="Not Ada's").is_error
    assert Reminder.objects.get().text == "Not Ada's"


def test_notes_are_added_listed_and_deleted(counted):
    generation = making()

    added = used("notes_add", generation, text="I like \n tea.")
    listed = used("notes_list", generation)
    deleted = used("notes_delete", generation, text="i like tea")

    assert (added.result, listed.result) == ("Noted: I like tea.", "- I like tea.")
    assert deleted.result == "Deleted: I like tea."
    assert not Note.objects.exists()


def test_history_is_one_s_own_and_not_this_conversation():
    mine, generation = factories.conversation(factories.ada(), title="Pets"), making()
    factories.said(mine, "My dog is called Zorro.")
    factories.said(generation.message.conversation, "What is Zorro?")
    factories.said(factories.conversation(factories.cy()), "Zorro is a cat.")

    found = used("search_history", generation, words="Zorro").result

    assert found.endswith("in “Pets”, the person: My dog is called Zorro.")
    assert "\n" not in found
    assert used("search_history", generation, words="submarine").result == "Nothing was found."


@pytest.mark.parametrize("where", [{"is_temporary": True}, {"uses_memory": False}])
def test_where_nothing_is_remembered_nothing_known_is_read(where):
    generation = making(**where)
    conversation = generation.message.conversation

    names = {each.spec.name for each in offers.offered(conversation.owner, conversation)}

    assert names == {*("time", "calculator", "reminders_set", "reminders_list", "reminders_cancel")}
    [call] = calling.begin(generation, 0, [Call("c", "notes_list", "")])
    assert call.result.startswith("There is no tool “notes_list”")


def test_what_a_person_never_allows_is_not_offered():
    offers.choose(factories.ada(), "search_history", Allowance.NEVER)
    where = factories.conversation(factories.ada())

    names = {each.spec.name for each in offers.offered(factories.ada(), where)}

    assert "search_history" not in names


def test_offers_cost_two_questions_to_the_database(django_assert_num_queries):
    where = factories.conversation(factories.ada())

    with django_assert_num_queries(2):
        offers.offered(where.owner, where)
