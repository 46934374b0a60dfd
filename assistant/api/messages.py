"""Single messages: how an answer was made, deleting and bringing back."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.http import HttpResponse
from ninja import Router

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.conversations import Title
from assistant.chat.details import details
from assistant.chat.views_of import conversation_out
from assistant.chat.wire import ConversationOut
from assistant.library import branching, deletion
from assistant.memory import forgetting
from assistant.models import Scope
from assistant.rates import Kind

router = Router(tags=["conversations"], auth=Needs(Scope.CHAT))


class DetailsOut(Out):
    """How an answer was made. Times are since the person asked; null is what was not kept.

    `model` is what was asked for, `policy` the version that answered. Without `has_memory` the
    policy saw the question alone.
    """

    model: str
    policy: str
    status: str
    finish_reason: str | None
    has_memory: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    first_token_ms: float | None
    total_ms: float | None
    window_tokens: int | None
    window_limit: int | None


@router.get("/messages/{uuid:pk}/details", response=DetailsOut, summary="How an answer was made")
def show_details(request: ApiRequest, pk: UUID) -> DetailsOut:
    return DetailsOut(**asdict(details(request.auth.person, pk)))


@router.delete(
    "/messages/{uuid:pk}", response={204: None}, summary="Delete a message and what follows it"
)
def delete(request: ApiRequest, pk: UUID) -> HttpResponse:
    """It is out of sight at once, and half a minute later gone with all that was derived from it.
    Until then it can be restored.
    """
    deletion.delete_message(request.auth.person, pk)
    return HttpResponse(status=204)


@router.post(
    "/messages/{uuid:pk}/restore", response={204: None}, summary="Bring a deleted message back"
)
def restore(request: ApiRequest, pk: UUID) -> HttpResponse:
    """With all that was deleted together with it."""
    forgetting.restore_message(request.auth.person, pk)
    return HttpResponse(status=204)


class Branching(Body):
    title: Title | None = None


@router.post(
    "/messages/{uuid:pk}/branch",
    response=ConversationOut,
    auth=Needs(Scope.CHAT, rate=Kind.MESSAGES),
    summary="Branch into a new conversation",
)
def branch(request: ApiRequest, pk: UUID, body: Branching | None = None) -> ConversationOut:
    """A new conversation that begins with copies of what was said up to the message. The copies of
    answers can't be judged; the originals can. Not from a temporary chat.
    """
    title = body.title if body else None
    return conversation_out(branching.branch_off(request.auth.person, pk, title or ""))
