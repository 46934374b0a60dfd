"""Several conversations at once, back from deletion, and folders."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Status
from pydantic import AfterValidator, Field, StringConstraints

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.conversations import Conversations
from assistant.chat.views_of import conversation_out
from assistant.chat.wire import ConversationOut
from assistant.library import deletion, folders, shelf
from assistant.models import Folder, Scope
from assistant.texts import storable

router = Router(tags=["conversations"], auth=Needs(Scope.CHAT))

FolderName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(storable),
]


class Several(Body):
    """One thing done with several conversations; all of them or none. `folder` goes with `move`."""

    conversations: list[UUID] = Field(min_length=1, max_length=200)
    act: Literal["archive", "unarchive", "move", "delete", "restore"]
    folder: UUID | None = None


class FolderOut(Out):
    id: UUID
    name: str


class Folders(Out):
    data: list[FolderOut]


class FolderNaming(Body):
    name: FolderName


@router.post(
    "/conversations/{uuid:pk}/restore", response=ConversationOut, summary="Undo a deletion"
)
def restore(request: ApiRequest, pk: UUID) -> ConversationOut:
    (restored,) = deletion.restore(request.auth.person, [pk])
    return conversation_out(restored)


@router.post("/conversations/several", response=Conversations, summary="Several at once")
def several(request: ApiRequest, body: Several) -> Conversations:
    """The conversations as they are then; none where they were deleted."""
    person, ids = request.auth.person, body.conversations
    match body.act:
        case "delete":
            deletion.delete(person, ids)
            rows = []
        case "restore":
            rows = deletion.restore(person, ids)
        case "move":
            rows = shelf.change(person, ids, folder=body.folder)
        case _:
            rows = shelf.change(person, ids, is_archived=body.act == "archive")
    return Conversations(data=[conversation_out(row) for row in rows], has_more=False)


@router.get("/folders", response=Folders, summary="List folders")
def list_folders(request: ApiRequest) -> Folders:
    """By name; there are at most 200."""
    rows = Folder.objects.filter(owner=request.auth.person)
    return Folders(data=[FolderOut(id=row.pk, name=row.name) for row in rows])


@router.post("/folders", response={201: FolderOut}, summary="Make a folder")
def make_folder(request: ApiRequest, body: FolderNaming) -> Status[FolderOut]:
    folder = folders.make(request.auth.person, body.name)
    return Status(201, FolderOut(id=folder.pk, name=folder.name))


@router.patch("/folders/{uuid:pk}", response=FolderOut, summary="Rename a folder")
def rename_folder(request: ApiRequest, pk: UUID, body: FolderNaming) -> FolderOut:
    folder = folders.rename(request.auth.person, pk, body.name)
    return FolderOut(id=folder.pk, name=folder.name)


@router.delete("/folders/{uuid:pk}", response={204: None}, summary="Delete a folder")
def delete_folder(request: ApiRequest, pk: UUID) -> HttpResponse:
    """Its conversations stay, in no folder."""
    folders.delete(request.auth.person, pk)
    return HttpResponse(status=204)
