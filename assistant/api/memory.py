"""What is remembered: of a person, in their profile, and in a conversation, by its last answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from ninja import Router
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.errors import NotFound
from assistant.memory import describing, editing, profile, wishes
from assistant.models import Note, Scope, User, Window
from assistant.models.conversation import owned_by
from assistant.models.note import LONGEST
from assistant.texts import storable

router = Router(tags=["memory"], auth=Needs(Scope.CHAT))


def _on_one_line(text: str) -> str:
    """A note is a line of the prompt."""
    return " ".join(storable(text).split())


NoteText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST),
    AfterValidator(_on_one_line),
]


# Longer ones have too many tokens in any language.
BlockText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(storable),
]


class NoteOut(Out):
    """`conversation` and its `title` say where `source`, the message it came from, was said; they
    are null and empty for what the person wrote themselves."""

    id: UUID
    text: str
    kind: Literal["preference", "question", "fact", "own"]
    is_pinned: bool
    tokens: int
    source: UUID | None
    conversation: UUID | None
    title: str
    created_at: datetime
    changed_at: datetime


class Profile(Out):
    """All notes, in the order in which answers read them. Where there is no more room, the last
    one that is not pinned goes."""

    is_on: bool
    notes: list[NoteOut]
    used_tokens: int
    limit_tokens: int
    pinned_tokens: int
    pinned_limit: int


class MemorySwitch(Body):
    is_on: bool


class NewNote(Body):
    text: NoteText


class NoteAdded(Out):
    """`gave_way` are the notes that there was no room for any more."""

    note: NoteOut
    gave_way: list[NoteOut]


class NoteChanges(Body):
    """What is to change; what is left out stays."""

    text: NoteText | None = None
    is_pinned: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> NoteChanges:
        if self.text is None and self.is_pinned is None:
            raise ValueError("name at least one of text and is_pinned")
        return self


class BlockChanges(NoteChanges):
    text: BlockText | None = None


class BlockOut(Out):
    """One block of a window. `importance` is what decides about its place: the chance that it will
    be asked for, or how recent it is where the model has not read it. Ids are a conversation's own.
    """

    id: int
    message: UUID
    role: str
    text: str
    tokens: int
    importance: float
    is_read: bool
    rewrites: int
    is_pinned: bool


class ChangeOut(Out):
    """What became of one block before this answer. `is_missed` where the person said that it should
    have been kept, and agreed to training."""

    block: int
    action: Literal["kept", "extracted", "rewritten", "forgotten"]
    role: str
    text_before: str
    text_after: str
    tokens_before: int
    tokens_after: int
    reason: str
    is_missed: bool


class Missed(Out):
    """What became of it: `noted`, to be learned from the next night; or not, since the person did
    not agree to training, or the chat is temporary, or nothing comparable was kept instead."""

    outcome: Literal["noted", "no_consent", "temporary", "nothing_kept"]


class ReadNote(Out):
    id: UUID
    text: str


class WindowOut(Out):
    """What the policy saw when it made an answer, and what it was to do without.

    Where `is_current`, nothing later was answered on this branch: `memory` is what goes on from
    here, and can be changed.
    """

    limit_tokens: int
    used_tokens: int
    system_text: str
    notes: list[ReadNote]
    blocks: list[BlockOut]
    changes: list[ChangeOut]
    left_out: list[str]
    is_current: bool
    memory: list[BlockOut]
    pinned_tokens: int
    pinned_limit: int
    uses_memory: bool = Field(description="the switch of this chat")
    is_on: bool = Field(description="is it on, and the one for all chats too?")


@router.get("/memory", response=Profile, summary="What is known of me")
def show(request: ApiRequest) -> dict[str, Any]:
    return _profile(request.auth.person)


@router.patch("/memory", response=Profile, summary="Turn memory on or off")
def switch(request: ApiRequest, body: MemorySwitch) -> dict[str, Any]:
    """For all conversations; a single one is changed with `PATCH /v1/conversations/{pk}`. What is
    said while it is off is not taken into the profile later either."""
    return _profile(profile.switch(request.auth.person, body.is_on))


@router.post("/memory/notes", response=NoteAdded, summary="Add a note")
def add(request: ApiRequest, body: NewNote) -> dict[str, Any]:
    """In the words of a note that is there already, it is that one."""
    added = profile.add(request.auth.person, body.text)
    return {
        "note": profile.describe(added.note),
        "gave_way": [profile.describe(note) for note in added.gave_way],
    }


@router.patch("/memory/notes/{uuid:pk}", response=NoteOut, summary="Change or pin a note")
def change(request: ApiRequest, pk: UUID, body: NoteChanges) -> dict[str, Any]:
    note = profile.change(request.auth.person, pk, text=body.text, is_pinned=body.is_pinned)
    return profile.describe(note)


@router.delete("/memory/notes/{uuid:pk}", response={204: None}, summary="Delete a note")
def delete(request: ApiRequest, pk: UUID) -> HttpResponse:
    """No answer reads it any more; half a minute later it is gone for good, also from what is
    shown of the answers that read it. Until then it can be restored."""
    profile.delete(request.auth.person, pk)
    return HttpResponse(status=204)


@router.post(
    "/memory/notes/{uuid:pk}/restore", response=NoteOut, summary="Bring a deleted note back"
)
def restore(request: ApiRequest, pk: UUID) -> dict[str, Any]:
    return profile.describe(profile.restore(request.auth.person, pk))


@router.get("/messages/{uuid:pk}/window", response=WindowOut, summary="The window of an answer")
def show_window(request: ApiRequest, pk: UUID) -> dict[str, Any]:
    rows = Window.objects.select_related("message__conversation__owner")
    mine = owned_by(request.auth.person, "message__conversation")
    if (row := rows.filter(mine, pk=pk).first()) is None:
        raise NotFound("There is no window of such an answer.")
    return describing.describe(row)


@router.post("/messages/{uuid:pk}/memory", response=WindowOut, summary="Add to a chat's memory")
def add_block(request: ApiRequest, pk: UUID, body: NewNote) -> dict[str, Any]:
    """As a pinned block, after the conversation's last answer. What is pinned there in the same
    words is that."""
    return describing.describe(editing.add(request.auth.person, pk, body.text))


@router.patch(
    "/messages/{uuid:pk}/memory/{int:block}", response=WindowOut, summary="Change or pin a block"
)
def change_block(request: ApiRequest, pk: UUID, block: int, body: BlockChanges) -> dict[str, Any]:
    """Of the memory that the conversation's last answer left. The message stays as it was said."""
    changed = editing.change(
        request.auth.person, pk, block, text=body.text, is_pinned=body.is_pinned
    )
    return describing.describe(changed)


@router.delete(
    "/messages/{uuid:pk}/memory/{int:block}", response={204: None}, summary="Forget a block"
)
def forget_block(request: ApiRequest, pk: UUID, block: int) -> HttpResponse:
    """With its copies in what other answers of the conversation saw, and the notes that came from
    its message. The message itself stays in the conversation; it is deleted by its own address."""
    editing.forget(request.auth.person, pk, block)
    return HttpResponse(status=204)


@router.post(
    "/messages/{uuid:pk}/memory/{int:block}/missed",
    response=Missed,
    summary="Say that a block should have been kept",
)
def miss(request: ApiRequest, pk: UUID, block: int) -> dict[str, Any]:
    """Of one that was forgotten, shortened or reworded before this answer. What is remembered
    learns from it."""
    return {"outcome": wishes.should_have_been_kept(request.auth.person, pk, block)}


@router.delete(
    "/messages/{uuid:pk}/memory/{int:block}/missed",
    response={204: None},
    summary="Take that back",
)
def miss_no_more(request: ApiRequest, pk: UUID, block: int) -> HttpResponse:
    """What was learned from it is unlearned."""
    wishes.take_back(request.auth.person, pk, block)
    return HttpResponse(status=204)


def _profile(person: User) -> dict[str, Any]:
    notes = list(Note.objects.filter(owner=person).select_related("source__conversation"))
    return {
        "is_on": person.uses_memory,
        "notes": [profile.describe(note) for note in notes],
        "used_tokens": sum(note.tokens for note in notes),
        "limit_tokens": settings.PROFILE_TOKENS,
        "pinned_tokens": sum(note.tokens for note in notes if note.is_pinned),
        "pinned_limit": profile.pinned_limit(),
    }
