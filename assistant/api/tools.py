"""What the policy may do for one: tools and what is allowed, calls that wait, reminders."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Status
from pydantic import AwareDatetime, Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.chat.views_of import reminder_out, reminders_out
from assistant.chat.wire import ReminderOut
from assistant.models import Allowance, Scope, ToolCall, User
from assistant.models.tool import LONGEST_KEY
from assistant.texts import Text
from assistant.tools import calling, offers, reminders, zones
from assistant.tools.offers import Offer

router = Router(tags=["tools"], auth=Needs(Scope.CHAT))


class ToolOut(Out):
    """A tool, and what is done when the policy wants to use it: `ask` each time, `always` let it,
    or `never` offer it. `server` is empty for one that Danas brings along."""

    key: str
    name: str
    description: str
    server: str
    choice: Literal["ask", "always", "never"]


class MyTools(Out):
    tools: list[ToolOut]
    time_zone: str = Field(description="IANA name; empty: not known, so UTC")


class ToolChoice(Body):
    key: Text = Field(min_length=1, max_length=LONGEST_KEY)
    choice: Allowance


class TimeZone(Body):
    time_zone: Text = Field(min_length=1, max_length=64, description="like Asia/Manila")


class Decision(Body):
    """`once` lets this call run, `always` the tool's later ones too."""

    decision: Literal["once", "always", "no"]


class ToolCallOut(Out):
    """A call as it stands. `arguments` is what the policy wrote, `result` what it was told."""

    id: UUID
    answer: UUID
    name: str
    arguments: str
    state: Literal["asked", "allowed", "running", "done", "failed", "refused", "expired"]
    result: str
    is_error: bool
    took_ms: float | None


class NewReminder(Body):
    text: Text = Field(min_length=1, max_length=reminders.LONGEST)
    due_at: AwareDatetime


class Reminders(Out):
    """The earliest first; those with `fired_at` were told and not put away."""

    data: list[ReminderOut]


@router.get("/me/tools", response=MyTools, summary="What the policy may do for me")
def show(request: ApiRequest) -> MyTools:
    return _mine(request.auth.person)


@router.put("/me/tools", response=MyTools, summary="Allow a tool, or not")
def choose(request: ApiRequest, body: ToolChoice) -> MyTools:
    """A server's tool that says something else of itself later is asked about again."""
    offers.choose(request.auth.person, body.key, body.choice)
    return _mine(request.auth.person)


@router.put("/me/time-zone", response=MyTools, summary="Say where one lives")
def choose_zone(request: ApiRequest, body: TimeZone) -> MyTools:
    zones.choose(request.auth.person, body.time_zone)
    return _mine(request.auth.person)


@router.post(
    "/tool-calls/{uuid:pk}/decision", response=ToolCallOut, summary="Let a call run, or not"
)
def decide(request: ApiRequest, pk: UUID, body: Decision) -> ToolCallOut:
    """The first decision stands; the answer says what became of the call."""
    return _call(calling.decide(request.auth.person, pk, body.decision))


@router.get("/reminders", response=Reminders, summary="My reminders")
def list_reminders(request: ApiRequest) -> Reminders:
    return Reminders(data=reminders_out(request.auth.person))


@router.post("/reminders", response={201: ReminderOut}, summary="Set a reminder")
def add_reminder(request: ApiRequest, body: NewReminder) -> Status[ReminderOut]:
    return Status(201, reminder_out(reminders.add(request.auth.person, body.text, body.due_at)))


@router.delete("/reminders/{uuid:pk}", response={204: None}, summary="Cancel it, or put it away")
def delete_reminder(request: ApiRequest, pk: UUID) -> HttpResponse:
    reminders.delete(request.auth.person, pk)
    return HttpResponse(status=204)


def _mine(person: User) -> MyTools:
    tools = [_tool(offer) for offer in offers.all_of(person)]
    return MyTools(tools=tools, time_zone=person.time_zone)


def _tool(offer: Offer) -> ToolOut:
    return ToolOut(
        key=offer.key,
        name=offer.spec.name,
        description=offer.spec.description,
        server=offer.server.name if offer.server else "",
        choice=offer.allowance.value,
    )


def _call(call: ToolCall) -> ToolCallOut:
    return ToolCallOut(
        id=call.pk,
        answer=call.generation_id,
        name=call.name,
        arguments=call.arguments,
        state=ToolCall.State(call.state).value,
        result=call.result,
        is_error=call.is_error,
        took_ms=call.took_ms,
    )
