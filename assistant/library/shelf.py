"""The list of a person's conversations, and where in it each one lies.

Every change is told to the person's open pages; it starts from the owner, and what is somebody
else's is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.errors import NotFound
from assistant.library import folders, notices
from assistant.models import Conversation, User


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list; None leaves a question open, and `folder="none"` is outside of all."""

    is_archived: bool = False
    is_pinned: bool | None = None
    folder: UUID | Literal["none"] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Conversation]
    has_more: bool


def page(person: User, part: Part, *, limit: int, before: UUID | None = None) -> Page:
    """The latest first, from the conversation `before` downwards.

    Raises:
        NotFound: no such folder, or no conversation `before`, of this person. That one may have
            been deleted since.
    """
    rows = _part(person, part)
    if before is not None:
        last = Conversation.with_deleted.filter(owner=person, pk=before).first()
        if last is None:
            raise NotFound("There is no such conversation.")
        rows = rows.filter(
            Q(updated_at__lt=last.updated_at) | Q(updated_at=last.updated_at, pk__lt=last.pk),
            # Says the same, and lets the index begin at the right place.
            updated_at__lte=last.updated_at,
        )
    found = list(rows.order_by("-updated_at", "-pk")[: limit + 1])
    return Page(found[:limit], has_more=len(found) > limit)


def listed(person: User) -> QuerySet[Conversation]:
    """Those that a list, a search or an export of this person may have."""
    return Conversation.objects.filter(owner=person, is_listed=True, is_temporary=False)


def _part(person: User, part: Part) -> QuerySet[Conversation]:
    rows = listed(person).filter(is_archived=part.is_archived)
    if part.is_pinned is not None:
        rows = rows.filter(is_pinned=part.is_pinned)
    if part.folder == "none":
        return rows.filter(folder=None)
    return rows if part.folder is None else rows.filter(folder=folders.mine(person, part.folder))


@transaction.atomic
def change(person: User, conversations: Collection[UUID], **values: Any) -> list[Conversation]:
    """Give conversations a `title`, `is_pinned`, `is_archived`, `uses_memory` or `folder` (an id
    or None).

    Archiving takes the pin away. The time of the last word stays, and so the place in the list.

    Raises:
        NotFound: one of them, or the folder, is not this person's; nothing was changed.
    """
    if values.get("folder") is not None:
        values["folder"] = folders.mine(person, values["folder"])
    if "title" in values:
        values["titled_by"] = Conversation.Titling.PERSON
    if values.get("uses_memory"):
        # What was said while it was off stays out of the profile.
        values["carried_at"] = timezone.now()
    if values.get("is_archived"):
        values["is_pinned"] = False
    wanted = set(conversations)
    rows = Conversation.objects.filter(owner=person, pk__in=wanted)
    if rows.update(**values) != len(wanted):
        raise NotFound("There is no such conversation.")
    changed = list(rows)
    notices.changed(person.pk, [row.pk for row in changed])
    return changed
