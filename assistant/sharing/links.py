"""Making a link, taking it back, and reading what it shows.

A link shows what was on the path when it was made and nothing else: no other branch, no judgement,
no memory, and no name unless its owner wants it there. What was deleted since is left out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from assistant.chat import branches
from assistant.chat.views_of import places_of
from assistant.errors import AnswerNotFinished, NotFound, NotShareable
from assistant.models import Conversation, Generation, Image, Message, Share, User
from assistant.models.conversation import not_deleted, owned_by

TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows. `name` is empty unless its owner wants it there."""

    share: Share
    name: str
    messages: list[Message]


@transaction.atomic
def share(person: User, conversation: UUID, leaf: UUID, *, with_name: bool) -> Share:
    """Make a link to the path that ends at `leaf`; for the same path it is the same link.

    Raises:
        NotFound: no such conversation of this person, or no such message in it.
        NotShareable: a temporary chat.
        AnswerNotFinished: the leaf is still being made.
    """
    where = _mine(person, conversation)
    if where.is_temporary:
        raise NotShareable("A temporary chat can't be shared: nothing of it is kept.")
    path = _path(where, leaf)
    made, _ = Share.objects.get_or_create(
        conversation=where,
        leaf=leaf,
        has_name=with_name,
        defaults={
            "owner": person,
            "token": secrets.token_urlsafe(TOKEN_BYTES),
            "messages": path,
            "title": where.title,
        },
    )
    return made


def links(person: User) -> QuerySet[Share]:
    """All links of a person, the newest first."""
    return Share.objects.filter(owned_by(person), owner=person)


def links_to(person: User, conversation: UUID) -> QuerySet[Share]:
    """Raises NotFound."""
    return links(person).filter(conversation=_mine(person, conversation))


def revoke(person: User, pk: UUID) -> None:
    """Raises NotFound."""
    if not Share.objects.filter(owner=person, pk=pk).delete()[0]:
        raise NotFound("There is no such link.")


def read(token: str) -> Shared:
    """What anybody who has the link may see.

    Raises:
        NotFound: there is none, it was revoked, or what it shows was deleted.
    """
    found = _live(token)
    kept = {
        message.pk: message
        for message in Message.objects.filter(
            pk__in=found.messages, conversation=found.conversation
        )
    }
    shown = [kept[pk] for pk in found.messages if pk in kept]
    if not shown:
        raise NotFound("There is nothing behind this link (any more).")
    return Shared(found, found.owner.username if found.has_name else "", shown)


def image(token: str, pk: UUID) -> Image:
    """An image in what a link shows. Raises NotFound."""
    named = (
        part["image"]
        for message in read(token).messages
        for part in message.parts
        if part["type"] == "image"
    )
    found = Image.objects.filter(pk=pk).first() if str(pk) in named else None
    if found is None:
        raise NotFound("There is no such image.")
    return found


def _mine(person: User, pk: UUID) -> Conversation:
    found = Conversation.objects.filter(pk=pk, owner=person).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def _live(token: str) -> Share:
    found = (
        Share.objects.select_related("owner")
        .filter(not_deleted(), token=token, owner__is_active=True)
        .first()
    )
    if found is None:
        raise NotFound("There is nothing behind this link (any more).")
    return found


def _path(conversation: Conversation, leaf: UUID) -> list[UUID]:
    """From the first message to the leaf."""
    path = branches.path_to(places_of(conversation.pk), leaf)
    if Generation.objects.filter(pk=leaf, status__in=Generation.OPEN).exists():
        raise AnswerNotFinished("The answer is still being made; wait for it or stop it.")
    return path
