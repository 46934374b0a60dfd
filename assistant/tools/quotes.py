"""What tools quoted of messages and notes, which goes when those do.

A search in one's history puts words of one conversation into another; a call names what it quoted,
so that it is found there again when that is deleted. What the answer itself says stays, as it does
for notes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from assistant.models import Conversation, GenerationEvent, Message, ToolCall, Trajectory, Window
from inference.diffusion.window import Kind
from learning import intake

GONE = "[deleted]"


def forget(owner: int, ids: Collection[UUID]) -> None:
    """Take what was quoted of messages, conversations and notes with these ids out of results,
    windows and logs; the records of prompts that held it are deleted, and learning forgets those
    answers. Call it in the transaction that deletes what was quoted."""
    # Those of conversations that are deleted and could still be restored, too.
    where = Message.with_deleted.filter(
        conversation__in=Conversation.with_deleted.filter(owner=owner)
    )
    calls = ToolCall.objects.filter(generation__message__in=where, sources__overlap=list(ids))
    for call in calls.select_related("generation__message"):
        _forget_result(call)
        _forget_in_windows(call.generation.message)


def _forget_result(call: ToolCall) -> None:
    ToolCall.objects.filter(pk=call.pk).update(result=GONE, sources=[])
    message = call.generation.message
    Message.with_deleted.filter(pk=message.pk).update(
        parts=[_without_result(part, call) for part in message.parts]
    )
    shown = GenerationEvent.objects.filter(generation=call.generation_id, data__id=str(call.pk))
    for event in shown.filter(kind=GenerationEvent.Kind.TOOL):
        event.data["result"] = GONE
        event.save(update_fields=["data"])


def _without_result(part: dict[str, Any], call: ToolCall) -> dict[str, Any]:
    is_this = part["type"] == "tool" and part.get("id") == str(call.pk)
    return {**part, "result": GONE} if is_this else part


def _forget_in_windows(answer: Message) -> None:
    """Later answers of the conversation read on from this one's window."""
    _forget_prompt(answer.pk)
    for row in Window.objects.filter(message__conversation=answer.conversation_id):
        was_shown = _drop_exchanges(row.shown, str(answer.pk))
        is_carried = _drop_exchanges(row.blocks, str(answer.pk))
        gone = was_shown | is_carried
        if gone:
            row.changes = [each for each in row.changes if each["block"] not in gone]
            row.save(update_fields=["shown", "blocks", "changes"])
        if was_shown:
            _forget_prompt(row.pk)


def _drop_exchanges(window: dict[str, Any], answer: str) -> set[int]:
    """Ids of the blocks that told what the tools of this answer said; they are not there after."""
    gone = {
        block["id"]
        for block in window["blocks"]
        if block.get("kind") == Kind.EXCHANGE and block["message"] == answer
    }
    window["blocks"] = [block for block in window["blocks"] if block["id"] not in gone]
    changes = window.get("changes", [])
    window["changes"] = [change for change in changes if change["block"] not in gone]
    return gone


def _forget_prompt(answer: UUID) -> None:
    Trajectory.objects.filter(pk=answer).delete()
    intake.forget_answer(answer)
