"""A person's folders."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction

from assistant.errors import FolderExists, FoldersFull, NotFound
from assistant.library import notices
from assistant.models import Folder, User

MOST = 200


def mine(person: User, pk: UUID) -> Folder:
    """
    Raises:
        NotFound: no such folder of this person.
    """
    folder = Folder.objects.filter(pk=pk, owner=person).first()
    if folder is None:
        raise NotFound("There is no such folder.")
    return folder


def make(person: User, name: str) -> Folder:
    """
    Raises:
        FolderExists: there is one of this name.
        FoldersFull: there are `MOST`.
    """
    if Folder.objects.filter(owner=person).count() >= MOST:
        raise FoldersFull(f"There are {MOST} folders already; delete one you no longer need.")
    return _save(Folder(owner=person, name=name))


def rename(person: User, pk: UUID, name: str) -> Folder:
    """
    Raises:
        NotFound: no such folder of this person.
        FolderExists: there is another of this name.
    """
    folder = mine(person, pk)
    folder.name = name
    return _save(folder)


@transaction.atomic
def delete(person: User, pk: UUID) -> None:
    """Delete a folder; its conversations stay, in no folder.

    Raises:
        NotFound: no such folder of this person.
    """
    mine(person, pk).delete()
    notices.rearranged(person.pk)


def _save(folder: Folder) -> Folder:
    try:
        with transaction.atomic():
            folder.save()
            notices.rearranged(folder.owner_id)
    except IntegrityError:
        raise FolderExists(f"There is a folder “{folder.name}” already.") from None
    return folder
