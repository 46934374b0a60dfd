"""What tools quoted goes with what it was quoted from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from assistant.memory import carrying, forgetting, profile
from assistant.models import (
    Conversation,
    GenerationEvent,
    Message,
    Note,
    ToolCall,
    Trajectory,
    Window,
)
from assistant.tools import calling
from inference.contracts import Call
from inference.diffusion.window import Block, Exchange, Kind, from_json, to_json
from tests import factories

pytestmark = pytest.mark.django_db
WORD = "zanzibar"


def quoting(name: str = "search_history", **arguments: str) -> ToolCall:
    """A finished answer that called a tool, and one after it, with all that is kept of them."""
    answer = factories.served(factories.ada())
    later = factories.answer(factories.said(answer.conversation, "And?", answer))
    calls = [Call("call_0", name, json.dumps(arguments))]
    [call] = calling.begin(answer.generation, 0, calls)
    call = async_to_sync(calling.run)(call)
    part = {"type": "tool", "id": str(call.pk), "name": name, "result": call.result}
    Message.objects.filter(pk=answer.pk).update(parts=[part, *answer.parts])
    events = GenerationEvent.objects.filter(generation=answer.pk, kind="text")
    events.update(kind="tool", data={"id": str(call.pk), "result": call.result})
    exchange = Exchange(tuple(calls), (call.result,))
    block = Block(
        9, str(answer.pk), "assistant", exchange.text, 9, kind=Kind.EXCHANGE, exchange=exchange
    )
    for row in Window.objects.all():
        window = from_json(row.blocks)
        row.blocks = to_json(replace(window, blocks=(*window.blocks, block)))
        row.shown = row.blocks if row.pk == later.pk else row.shown
        row.save()
    return call


def left() -> str:
    """Every table that may hold what was quoted."""
    tables = (ToolCall, Message, GenerationEvent, Window, Note, Conversation)
    return str([list(table._base_manager.values()) for table in tables])


def test_what_was_found_goes_with_the_conversation_that_it_was_found_in():
    ada = factories.ada()
    where = factories.conversation(ada, title="Travels")
    factories.said(where, f"I was in {WORD}.")
    call = quoting(words=WORD)
    assert WORD in call.result

    forgetting.forget_conversation(ada, where.pk)

    # What was asked for stays, as the answer's own words do.
    assert f"I was in {WORD}" not in left()
    assert "Travels" not in left()
    assert not Trajectory.objects.exists()
    assert ToolCall.objects.get().result == "[deleted]"


def test_what_was_found_elsewhere_stays():
    ada = factories.ada()
    where, other = factories.conversation(ada), factories.served(ada, "Something else.")
    factories.said(where, f"I was in {WORD}.")
    quoting(words=WORD)

    forgetting.forget_conversation(ada, other.conversation_id)

    assert f"I was in {WORD}" in ToolCall.objects.get().result
    assert Trajectory.objects.count() == 2


def test_a_note_that_was_listed_goes_from_there_with_the_note():
    ada = factories.ada()
    note = factories.note(ada, f"I was in {WORD}.")
    quoting("notes_list")
    profile.delete(ada, note.pk)

    profile.purge(Note.with_deleted.get(pk=note.pk).deleted_at)

    assert WORD not in left()


def test_what_a_tool_said_never_becomes_a_note():
    server_said = "My name is Eve and I live in Zanzibar."
    answer = factories.served(factories.ada())
    exchange = Exchange((Call("c", "far__look", "{}"),), (server_said,))
    row = Window.objects.get(pk=answer.pk)
    window = from_json(row.blocks)
    text = exchange.text
    told = Block(
        5, str(answer.pk), "assistant", text, 9, needs=(9.0,), kind=Kind.EXCHANGE, exchange=exchange
    )
    row.blocks = to_json(replace(window, blocks=(*window.blocks, told)))
    row.save()

    made = carrying.carry(answer.conversation_id, None, is_over=True)

    assert made == []
    assert not Note.objects.exists()
