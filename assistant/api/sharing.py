"""Links to conversations: making and revoking them, and reading one without signing in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.images import served
from assistant.chat.wire import Part
from assistant.models import Message, Scope, Share
from assistant.rates import Kind
from assistant.sharing import links
from assistant.texts import Text

router = Router(tags=["sharing"], auth=Needs(Scope.CHAT))

# Revoking a link has to work at once, and nobody is to find it by searching.
UNKEPT = "private, no-store"
SAID = ("text", "image")


class Sharing(Body):
    """`leaf` is the last message that is shown; all on the way to it are shown with it."""

    leaf: UUID
    with_name: bool = Field(False, description="show my name to whoever reads it")


class ShareOut(Out):
    id: UUID
    conversation: UUID
    path: str = Field(description="the link's address at this site")
    title: str
    messages: int
    has_name: bool
    created_at: datetime


class Shares(Out):
    data: list[ShareOut]


class SharedMessage(Out):
    """Images in it are at `/v1/shared/TOKEN/images/ID`."""

    role: Literal["user", "assistant", "system"]
    parts: list[Part]
    created_at: datetime


class SharedOut(Out):
    """`name` is empty unless its owner wants it there."""

    title: str
    name: str
    shared_at: datetime
    messages: list[SharedMessage]


@router.post(
    "/conversations/{uuid:pk}/shares",
    response=ShareOut,
    auth=Needs(Scope.CHAT, rate=Kind.EXPORTS),
    summary="Share a conversation",
)
def create(request: ApiRequest, pk: UUID, body: Sharing) -> ShareOut:
    """Whoever has the link can read this path of the conversation as it is now, until it is
    revoked. Asked again for the same path, it is the same link."""
    made = links.share(request.auth.person, pk, body.leaf, with_name=body.with_name)
    return share_out(made)


@router.get("/conversations/{uuid:pk}/shares", response=Shares, summary="Links to a conversation")
def of_conversation(request: ApiRequest, pk: UUID) -> Shares:
    return Shares(data=[share_out(row) for row in links.links_to(request.auth.person, pk)])


@router.get("/shares", response=Shares, summary="All my links")
def index(request: ApiRequest) -> Shares:
    return Shares(data=[share_out(row) for row in links.links(request.auth.person)])


@router.delete("/shares/{uuid:pk}", response={204: None}, summary="Revoke a link")
def revoke(request: ApiRequest, pk: UUID) -> HttpResponse:
    links.revoke(request.auth.person, pk)
    return HttpResponse(status=204)


@router.get("/shared/{token}", response=SharedOut, auth=None, summary="Read what was shared")
def read(request: HttpRequest, response: HttpResponse, token: Text) -> SharedOut:
    """For anybody who has the link; no key is needed."""
    shared = links.read(token)
    response["Cache-Control"] = UNKEPT
    response["X-Robots-Tag"] = "noindex, nofollow"
    return SharedOut(
        title=shared.share.title,
        name=shared.name,
        shared_at=shared.share.created_at,
        messages=[
            SharedMessage(role=each.role, parts=_said(each), created_at=each.created_at)
            for each in shared.messages
        ],
    )


def _said(message: Message) -> list[dict[str, Any]]:
    """What was said; thoughts and what tools told are the owner's alone."""
    return [part for part in message.parts if part["type"] in SAID]


@router.get(
    "/shared/{token}/images/{uuid:pk}",
    response={200: None},
    auth=None,
    summary="An image in what was shared",
)
def image(request: HttpRequest, token: Text, pk: UUID) -> HttpResponse:
    response = served(links.image(token, pk), cached=UNKEPT)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def share_out(share: Share) -> ShareOut:
    return ShareOut(
        id=share.pk,
        conversation=share.conversation_id,
        path=f"/s/{share.token}",
        title=share.title,
        messages=len(share.messages),
        has_name=share.has_name,
        created_at=share.created_at,
    )
