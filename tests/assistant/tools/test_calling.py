"""A call from what the policy wrote to what it is told, with its person's yes in between."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from assistant.errors import NotFound
from assistant.models import Allowance, Generation, Note, ToolCall, ToolPermission
from assistant.tools import calling, offers, results
from inference.contracts import Call
from tests import factories

pytestmark = pytest.mark.django_db
State = ToolCall.State


def making(person=None, **values) -> Generation:
    """An answer in the making."""
    where = factories.conversation(person or factories.ada(), **values)
    answer = factories.answer(factories.said(where), status=Generation.Status.RUNNING)
    return answer.generation


def called(name="calculator", arguments='{"expression": "6 * 7"}', generation=None) -> ToolCall:
    [call] = calling.begin(generation or making(), 0, [Call("call_0", name, arguments)])
    return call


run = async_to_sync(calling.run)


def test_a_tool_that_needs_no_yes_runs_at_once():
    call = called()

    done = run(call)

    assert (call.state, done.state, done.is_error) == (State.ALLOWED, State.DONE, False)
    assert done.result == "6 * 7 = 42"
    assert done.took_ms >= 0


def test_a_tool_that_writes_waits_for_its_person():
    call = called("reminders_set", '{"text": "Tea", "in_minutes": 5}')

    still = run(call)

    assert (call.state, still.state) == (State.ASKED, State.ASKED)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("weather", "{}", "There is no tool “weather”. There are: calculator,"),
        ("calculator", "6 * 7", "The arguments are not JSON"),
        ("calculator", "[1]", "The arguments are not a JSON object"),
        ("calculator", '{"expression": 42}', "The arguments['expression'] don't fit: 42 is not of"),
        ("calculator", "{}", "'expression' is a required property"),
        ("calculator", '{"expression": "1", "x": 1}', "'x' was unexpected"),
        ("calculator", '{"expression": NaN}', "NaN is no number of JSON"),
        ("calculator", "[" * 10_000, "The arguments are not JSON"),
        ("calculator", " " * 20_001, "longer than 20,000 characters"),
    ],
)
def test_what_is_no_call_fails_with_a_sentence_for_the_policy(name, arguments, said):
    call = called(name, arguments)

    assert (call.state, call.is_error) == (State.FAILED, True)
    assert said in call.result
    assert run(call).state == State.FAILED


def test_nothing_at_all_is_an_empty_object():
    assert run(called("time", "")).state == State.DONE


def test_beginning_a_step_twice_finds_the_same_calls():
    generation = making()
    calls = [Call("a", "time", "{}"), Call("b", "time", "{}")]

    first = calling.begin(generation, 0, calls)
    again = calling.begin(generation, 0, calls)

    assert [call.pk for call in again] == [call.pk for call in first]
    assert [call.position for call in first] == [0, 1]


def test_the_seventeenth_call_of_a_step_is_not_made():
    calls = calling.begin(making(), 0, [Call(str(n), "time", "{}") for n in range(17)])

    assert [call.state for call in calls] == [State.ALLOWED] * 16 + [State.FAILED]


def test_once_lets_one_call_go_on_and_the_next_is_asked_about_again():
    call = called("reminders_set", '{"text": "Tea", "in_minutes": 5}')

    allowed = calling.decide(factories.ada(), call.pk, "once")

    assert allowed.state == State.ALLOWED
    assert run(allowed).state == State.DONE
    assert called("reminders_set", '{"text": "Tea", "in_minutes": 5}').state == State.ASKED


def test_always_lets_later_calls_go_on_by_themselves():
    call = called("reminders_set", '{"text": "Tea", "in_minutes": 5}')

    calling.decide(factories.ada(), call.pk, "always")

    assert called("reminders_set", '{"text": "Tea", "in_minutes": 5}').state == State.ALLOWED
    other = called("reminders_set", '{"text": "T", "in_minutes": 5}', making(factories.ben()))
    assert other.state == State.ASKED


def test_no_is_told_to_the_policy_and_nothing_is_run():
    call = called("notes_add", '{"text": "I like tea."}')

    refused = calling.decide(factories.ada(), call.pk, "no")

    assert run(refused).state == State.REFUSED
    assert results.said(refused, refused.result) == "Error: The person did not allow this call."
    assert not Note.objects.exists()


def test_the_first_decision_stands():
    call = called("notes_add", '{"text": "I like tea."}')
    calling.decide(factories.ada(), call.pk, "no")

    again = calling.decide(factories.ada(), call.pk, "always")

    assert again.state == State.REFUSED
    assert not ToolPermission.objects.exists()


def test_nobody_decides_about_another_person_s_call():
    call = called("notes_add", '{"text": "I like tea."}')

    for pk in (call.pk, uuid4()):
        with pytest.raises(NotFound):
            calling.decide(factories.cy(), pk, "once")


def test_what_is_decided_after_the_answer_ended_runs_nothing():
    call = called("notes_add", '{"text": "I like tea."}')
    Generation.objects.update(status=Generation.Status.STOPPED)

    late = calling.decide(factories.ada(), call.pk, "once")

    assert late.state == State.EXPIRED


def test_open_calls_of_ended_answers_are_closed():
    open_call, other = called("notes_add", '{"text": "Tea."}'), called()
    Generation.objects.filter(pk=open_call.generation_id).update(status=Generation.Status.FAILED)

    calling.expire_left()

    open_call.refresh_from_db()
    other.refresh_from_db()
    assert (open_call.state, other.state) == (State.EXPIRED, State.ALLOWED)


def test_a_call_is_run_once_however_often_it_is_started():
    call = called()

    async def twice():
        return await asyncio.gather(*(calling.run(call) for _ in range(4)))

    async_to_sync(twice)()

    assert ToolCall.objects.get(pk=call.pk).state == State.DONE
    assert ToolCall.objects.get(pk=call.pk).result == "6 * 7 = 42"


def test_what_is_no_longer_allowed_when_it_is_to_run_is_not_run():
    call = called()
    offers.choose(factories.ada(), "calculator", Allowance.NEVER)

    done = run(call)

    assert (done.state, done.result) == (State.FAILED, "The tool is not there any more.")


def test_a_tool_s_own_no_is_an_error_that_the_policy_reads():
    done = run(called(arguments='{"expression": "1 / 0"}'))

    assert done.state == State.FAILED
    assert results.said(done, done.result) == "Error: It divides by zero."


def test_what_is_too_long_is_cut_with_a_note(settings):
    settings.WINDOW_TOKENS = 1_500

    text = results.cut("x" * 2_000)

    assert text == "x" * 1_500 + "\n[cut here: 500 of 2,000 characters are left out]"


def test_a_decision_is_dated():
    before = timezone.now()

    call = calling.decide(factories.ada(), called("notes_delete", '{"text": "x"}').pk, "once")

    assert call.decided_at >= before
