"""MCP servers that offer tools to everybody: administrators add, try, change and remove them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from ninja import Router, Status
from pydantic import Field

from assistant.api.auth import Administrator, ApiRequest
from assistant.api.bodies import Body, Out
from assistant.models import Allowance, ToolServer
from assistant.texts import Text
from assistant.tools.servers import configuring, isolation, listing

router = Router(tags=["tools"], auth=Administrator())

LONGEST_TIMEOUT_S = 300


class ServerToolOut(Out):
    name: str
    description: str


class ServerOut(Out):
    """`secrets` are the names of its headers or variables; what they hold is never told again.

    `problem` says why it did not answer when it was last asked what it offers, at `tried_at`.
    """

    id: UUID
    name: str
    transport: Literal["stdio", "http"]
    command: list[str]
    url: str
    secrets: list[str]
    is_enabled: bool
    may_use_network: bool
    allowance: Literal["ask", "always", "never"]
    timeout_s: int
    tools: list[ServerToolOut]
    listed_at: datetime | None
    tried_at: datetime | None
    problem: str


class Servers(Out):
    """`programs`: may there be servers that are programs of this machine? `isolates`: can it keep
    those from the network?"""

    data: list[ServerOut]
    programs: bool
    isolates: bool


class ServerChange(Body):
    """What is left out stays as it is."""

    name: Text | None = Field(None, max_length=24, description="small letters, digits, hyphens")
    transport: ToolServer.Transport | None = None
    command: list[Text] | None = Field(
        None, max_length=50, description="the program and its arguments, where it is one"
    )
    url: Text | None = Field(None, max_length=500, description="where it is at an address")
    secrets: dict[Text, Text] | None = Field(
        None, max_length=20, description="HTTP headers, or variables of the environment"
    )
    is_enabled: bool | None = None
    may_use_network: bool | None = None
    allowance: Allowance | None = Field(None, description="what holds until a person chooses")
    timeout_s: int | None = Field(None, ge=1, le=LONGEST_TIMEOUT_S)

    @property
    def values(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True, exclude={"secrets"})


class NewServer(ServerChange):
    name: Text = Field(max_length=24, description="small letters, digits, hyphens")
    transport: ToolServer.Transport


@router.get("/tools/servers", response=Servers, summary="Tool servers")
def show(request: ApiRequest) -> Servers:
    data = [_server(server) for server in configuring.all_of()]
    programs = settings.TOOL_PROGRAMS
    return Servers(data=data, programs=programs, isolates=programs and isolation.is_possible())


@router.post("/tools/servers", response={201: ServerOut}, summary="Add a tool server")
def add(request: ApiRequest, body: NewServer) -> Status[ServerOut]:
    """Its tools are offered once it has said what they are: `POST …/try` asks it at once."""
    made = configuring.add(request.auth.person, body.values, body.secrets or {})
    return Status(201, _server(made))


@router.patch("/tools/servers/{uuid:pk}", response=ServerOut, summary="Change a tool server")
def change(request: ApiRequest, pk: UUID, body: ServerChange) -> ServerOut:
    """With another address or command its secrets have to be given anew."""
    return _server(configuring.change(request.auth.person, pk, body.values, body.secrets))


@router.delete("/tools/servers/{uuid:pk}", response={204: None}, summary="Remove a tool server")
def remove(request: ApiRequest, pk: UUID) -> HttpResponse:
    configuring.remove(request.auth.person, pk)
    return HttpResponse(status=204)


@router.post("/tools/servers/{uuid:pk}/try", response=ServerOut, summary="Ask what it offers")
def try_it(request: ApiRequest, pk: UUID) -> ServerOut:
    """Waits for the server's answer, some seconds at most; `problem` says why there is none."""
    return _server(listing.look(configuring.one(pk)))


def _server(server: ToolServer) -> ServerOut:
    return ServerOut(
        id=server.pk,
        name=server.name,
        transport=ToolServer.Transport(server.transport).value,
        command=server.command,
        url=server.url,
        secrets=configuring.names_of_secrets(server),
        is_enabled=server.is_enabled,
        may_use_network=server.may_use_network,
        allowance=Allowance(server.allowance).value,
        timeout_s=server.timeout_s,
        tools=[
            ServerToolOut(name=tool["name"], description=tool["description"])
            for tool in server.listing
        ],
        listed_at=server.listed_at,
        tried_at=server.tried_at,
        problem=server.problem,
    )
