"""A call's life: stored, allowed or refused by its person, run once, told to the policy.

asked → allowed → running → done | failed; asked → refused | expired. What can't be a call at all is
stored as one that failed, so that the policy is told why and can do better.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import transaction
from django.utils import timezone

from assistant.chat.wakeups import wake_workers
from assistant.errors import NotFound
from assistant.models import Allowance, Generation, ToolCall, ToolServer, User
from assistant.models.conversation import owned_by
from assistant.texts import storable
from assistant.tools import builtin, offers, results, schemas
from assistant.tools.builtin import Use
from assistant.tools.errors import ToolFailed
from assistant.tools.offers import Offer
from assistant.tools.servers import names, using
from inference.contracts import Call

logger = logging.getLogger(__name__)

State = ToolCall.State
Decision = Literal["once", "always", "no"]
# How long the person has to say yes, in seconds.
PATIENCE_S = 600.0
BUILTIN_TIMEOUT_S = 15.0
# In one step; a policy that wants more at once has lost its way.
MOST_AT_ONCE = 16
LONGEST_NAME, LONGEST_CALL_ID = 120, 120
in_thread = functools.partial(database_sync_to_async, thread_sensitive=False)


@transaction.atomic
def begin(generation: Generation, step: int, calls: Sequence[Call]) -> list[ToolCall]:
    """Store what the policy called in a step. Calling it twice for a step finds the same rows."""
    made = ToolCall.objects.filter(generation=generation, step=step)
    if found := list(made):
        return found
    conversation = generation.message.conversation
    by_name = {each.spec.name: each for each in offers.offered(conversation.owner, conversation)}
    return [
        _store(generation, step, position, call, by_name) for position, call in enumerate(calls)
    ]


def _store(
    generation: Generation, step: int, position: int, call: Call, by_name: dict[str, Offer]
) -> ToolCall:
    offer = by_name.get(call.name)
    row = ToolCall(
        generation=generation,
        call_id=call.id[:LONGEST_CALL_ID],
        step=step,
        position=position,
        key=offer.key if offer else "",
        name=storable(call.name)[:LONGEST_NAME],
        arguments=storable(call.arguments)[: schemas.LONGEST_ARGUMENTS],
        state=State.ASKED if offer and offer.needs_confirmation else State.ALLOWED,
    )
    try:
        if position >= MOST_AT_ONCE:
            raise ToolFailed(f"At most {MOST_AT_ONCE} tools can be called at once.")
        if offer is None:
            raise ToolFailed(_unknown(call.name, by_name))
        schemas.arguments_of(call.arguments, offer.schema)
    except ToolFailed as error:
        row.state, row.is_error, row.result = State.FAILED, True, results.cut(str(error))
    row.save()
    return row


def _unknown(name: str, by_name: Collection[str]) -> str:
    known = ", ".join(sorted(by_name)) or "none"
    return f"There is no tool “{name[:LONGEST_NAME]}”. There are: {known}."


def decide(person: User, pk: UUID, decision: Decision) -> ToolCall:
    """Let a call that waits go on, or not. The first decision stands; `always` also allows the
    tool for all later calls.

    Raises:
        NotFound: no such call of this person.
    """
    mine = ToolCall.objects.filter(owned_by(person, "generation__message__conversation"), pk=pk)
    call = mine.select_related("generation").first()
    if call is None:
        raise NotFound("There is no such call.")
    if not call.generation.is_open:
        expire([call.pk])
    elif _decided(call, decision) and decision == "always":
        _allow_always(person, call)
    wake_workers(call.generation_id)
    call.refresh_from_db()
    return call


def _decided(call: ToolCall, decision: Decision) -> bool:
    """Whether this was the first decision."""
    values: dict[str, Any] = {"state": State.ALLOWED}
    if decision == "no":
        refusal = "The person did not allow this call."
        values = {"state": State.REFUSED, "is_error": True, "result": refusal}
    waiting = ToolCall.objects.filter(pk=call.pk, state=State.ASKED)
    return bool(waiting.update(decided_at=timezone.now(), **values))


def _allow_always(person: User, call: ToolCall) -> None:
    offer = next((each for each in offers.all_of(person) if each.key == call.key), None)
    if offer is not None:
        offers.remember(person, offer, Allowance.ALWAYS)


def expire(calls: Collection[UUID]) -> None:
    """Nobody said yes to these in time, or their answer ended: they are not run any more."""
    ToolCall.objects.filter(pk__in=calls, state__in=[State.ASKED, State.ALLOWED]).update(
        state=State.EXPIRED, is_error=True, result="Nobody allowed this call in time."
    )


def expire_left() -> None:
    """Close what is open of answers that ended, whoever ended them."""
    left = ToolCall.objects.filter(state__in=ToolCall.OPEN)
    left.exclude(generation__status__in=Generation.OPEN).update(
        state=State.EXPIRED, is_error=True, result="The answer ended before."
    )


@dataclass(frozen=True, slots=True)
class _Running:
    """All that a call needs which this process has taken."""

    use: Use
    offer: Offer
    arguments: dict[str, Any]


async def run(call: ToolCall) -> ToolCall:
    """Run a call that was allowed; any other stays as it is. Never raises for what a tool does.

    Whoever is cancelled meanwhile leaves a call that failed.
    """
    started = time.monotonic()
    try:
        running = await database_sync_to_async(_take)(call.pk)
        if running is not None:
            text, is_error = await _outcome(running)
            quoted = running.use.quoted
            await _end(call.pk, text, is_error=is_error, started=started, quoted=quoted)
    except ToolFailed as error:
        await _end(call.pk, str(error), is_error=True, started=started)
    except asyncio.CancelledError:
        await asyncio.shield(_end(call.pk, "It was stopped.", is_error=True, started=started))
        raise
    except Exception:
        logger.exception("tool %s failed", call.name)
        await _end(call.pk, "The tool failed.", is_error=True, started=started)
    return await ToolCall.objects.aget(pk=call.pk)


def _take(pk: UUID) -> _Running | None:
    """Take an allowed call; None where another one has, or it was not allowed.

    Raises:
        ToolFailed: it can't be run any more, since its tool is gone or is not allowed now.
    """
    if not ToolCall.objects.filter(pk=pk, state=State.ALLOWED).update(state=State.RUNNING):
        return None
    call = ToolCall.objects.select_related("generation__message__conversation__owner").get(pk=pk)
    conversation = call.generation.message.conversation
    use = Use(conversation.owner, conversation)
    found = offers.offered(use.person, conversation)
    offer = next((each for each in found if each.key == call.key), None)
    if offer is None:
        raise ToolFailed("The tool is not there any more.")
    return _Running(use, offer, schemas.arguments_of(call.arguments, offer.schema))


async def _outcome(running: _Running) -> tuple[str, bool]:
    """What the tool said, and whether it calls that an error."""
    server = running.offer.server
    limit_s = server.timeout_s if server else BUILTIN_TIMEOUT_S
    try:
        async with asyncio.timeout(limit_s):
            if server is None:
                return await _run_builtin(running), False
            return await _call_server(server, running)
    except TimeoutError:
        raise ToolFailed(f"The tool did not answer within {limit_s:g} seconds.") from None


async def _run_builtin(running: _Running) -> str:
    tool = builtin.ALL[running.offer.key]
    arguments = tool.arguments.model_validate(running.arguments)
    # Not in the one thread in which the worker writes what all answers stream.
    text: str = await in_thread(tool.run)(running.use, arguments)
    return text


async def _call_server(server: ToolServer, running: _Running) -> tuple[str, bool]:
    tool, person = names.tool_of(running.offer.key), running.use.person.pk
    return await using.call(server, tool, running.arguments, person=person)


async def _end(
    pk: UUID, text: str, *, is_error: bool, started: float, quoted: Collection[UUID] = ()
) -> None:
    took_ms = round(1000 * (time.monotonic() - started), 1)
    state = State.FAILED if is_error else State.DONE
    running = ToolCall.objects.filter(pk=pk, state=State.RUNNING)
    values = {"state": state, "is_error": is_error, "result": results.cut(text)}
    values["sources"] = sorted(quoted)
    await database_sync_to_async(running.update)(took_ms=took_ms, **values)
