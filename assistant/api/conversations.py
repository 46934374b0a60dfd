"""Stored conversations, for the page and for programs: list, begin, read, change, delete."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from ninja import Router
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.chat import branches
from assistant.chat.views_of import conversation_out, messages_out, places_of, readable_by
from assistant.chat.wire import ConversationOut, MessageOut
from assistant.errors import NotFound
from assistant.library import deletion, shelf
from assistant.library.shelf import Part
from assistant.models import Conversation, Scope, User
from assistant.texts import storable

router = Router(tags=["conversations"], auth=Needs(Scope.CHAT))


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(storable),
]


class Conversations(Out):
    data: list[ConversationOut]
    has_more: bool


class Changes(Body):
    """What is to change; what is left out stays. `folder` null takes it out of its folder. Without
    `uses_memory` answers go by what was said last, and nothing of it gets into the profile."""

    title: Title = ""
    is_pinned: bool = False
    is_archived: bool = False
    folder: UUID | None = None
    uses_memory: bool = True

    @model_validator(mode="after")
    def _says_something(self) -> Changes:
        if not self.model_fields_set:
            raise ValueError(
                "name at least one of title, is_pinned, is_archived, folder and uses_memory"
            )
        return self


class ConversationTree(Out):
    """A conversation and messages of it, oldest first; `parent` makes them a tree.

    Without `limit` these are all. With it they are a part of one branch: `has_more` says whether
    more lies above it, and what follows the messages in `cut` was left out.
    """

    conversation: ConversationOut
    messages: list[MessageOut]
    has_more: bool
    cut: list[UUID]


class Beginning(Body):
    title: Title | None = None


@router.get("/conversations", response=Conversations, summary="List conversations")
def index(
    request: ApiRequest,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    before: UUID | None = None,
    archived: bool = False,
    pinned: bool | None = None,
    folder: UUID | Literal["none"] | None = None,
) -> Conversations:
    """The latest first; `before` is the id of the last one of the page before.

    Temporary ones are never listed, and archived ones only where they are asked for.
    """
    page = shelf.page(
        request.auth.person, Part(archived, pinned, folder), limit=limit, before=before
    )
    return Conversations(data=[conversation_out(row) for row in page.rows], has_more=page.has_more)


@router.post("/conversations", response=ConversationOut, summary="Begin a conversation")
def begin(request: ApiRequest, body: Beginning | None = None) -> ConversationOut:
    """An empty one, to be gone on with by `conversation` in a chat completion."""
    title = body.title if body else None
    conversation = Conversation.objects.create(
        owner=request.auth.person,
        title=title or "",
        titled_by=Conversation.Titling.PERSON if title else Conversation.Titling.RULE,
        system_text=settings.SYSTEM_TEXT,
    )
    return conversation_out(conversation)


@router.get("/conversations/{uuid:pk}", response=ConversationTree, summary="Read a conversation")
def show(
    request: ApiRequest,
    pk: UUID,
    limit: Annotated[int | None, Field(ge=1, le=500)] = None,
    before: UUID | None = None,
    through: UUID | None = None,
) -> ConversationTree:
    """All of it, or with `limit` the newest part of the branch that was gone on with last.

    `before` (the id of a message) gives the part above that message, and `through` the branch that
    a message is on, from a little above it to the branch's end.
    """
    person = request.auth.person
    conversation = conversation_out(_mine(person, pk))
    if limit is None:
        messages = messages_out(readable_by(person, conversation=pk))
        return ConversationTree(
            conversation=conversation, messages=messages, has_more=False, cut=[]
        )
    part = branches.part(places_of(pk), limit, before=before, through=through)
    messages = messages_out(readable_by(person, pk__in=part.messages))
    return ConversationTree(
        conversation=conversation, messages=messages, has_more=part.has_more, cut=list(part.cut)
    )


@router.patch(
    "/conversations/{uuid:pk}", response=ConversationOut, summary="Rename, pin, archive or move"
)
def change(request: ApiRequest, pk: UUID, body: Changes) -> ConversationOut:
    values = body.model_dump(include=body.model_fields_set)
    (changed,) = shelf.change(request.auth.person, [pk], **values)
    return conversation_out(changed)


@router.delete("/conversations/{uuid:pk}", response={204: None}, summary="Delete")
def delete(request: ApiRequest, pk: UUID, now: bool = False) -> HttpResponse:
    """Hides it at once, and deletes it half a minute later with its log, its feedback and what
    learning holds of it. With `now` that is done before the answer, and can't be undone."""
    person = request.auth.person
    if now:
        deletion.delete_now(person, pk)
    else:
        deletion.delete(person, [pk])
    return HttpResponse(status=204)


def _mine(person: User, pk: UUID) -> Conversation:
    conversation = Conversation.objects.filter(pk=pk, owner=person).first()
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation
