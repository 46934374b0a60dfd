"""Taking images in, saying something with them, reading them, clearing away what was not said."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from assistant import files
from assistant.errors import ImageInUse, ImageOversize, ImagesTooMany, NotFound
from assistant.images import decoding
from assistant.images.decoding import Picture
from assistant.models import Conversation, Image, Message, User
from inference.contracts import ImageRef

A_DAY = timedelta(days=1)
PER_MESSAGE = 10
# Small ones are not worth more: a row and a file each.
PER_DAY = 500


def take_in(person: User, content: bytes) -> Image:
    """Keep an image that is not said with anything yet.

    Raises:
        ImageOversize, ImageUnreadable: it cannot be taken.
        ImagesTooMany: more than a person may upload in a day.
        inference.errors.StorageUnavailable: it could not be stored.
    """
    most = settings.IMAGE_BYTES
    if len(content) > most:
        raise ImageOversize(f"The image has {len(content):,} bytes; at most {most:,} are taken.")
    _check_day(person, 0)
    picture = decoding.decode(content)
    with transaction.atomic():
        # Uploads of one person wait for each other here, or together they would pass the limit.
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        _check_day(person, len(picture.content))
        return _keep(person, picture)


def attach(person: User, conversation: Conversation, images: Collection[UUID]) -> None:
    """Have images belong to the conversation that they are said in. Call inside a transaction.

    Raises:
        ImagesTooMany: more than a message may have.
        NotFound: one is not this person's, or is part of another conversation.
    """
    wanted = set(images)
    if len(images) > PER_MESSAGE:
        raise ImagesTooMany(f"A message takes at most {PER_MESSAGE} images.")
    mine = Image.objects.filter(Q(conversation=None) | Q(conversation=conversation), owner=person)
    if mine.filter(pk__in=wanted).update(conversation=conversation) != len(wanted):
        raise NotFound("There is no such image (any more). Add it again.")


def copy(person: User, pk: UUID, conversation: Conversation) -> Image:
    """Another image like this one, in another conversation. Call inside a transaction.

    Raises:
        NotFound: it is not this person's, or its file is gone.
        ImagesTooMany: more than a person may add in a day.
        inference.errors.StorageUnavailable: it could not be read or stored.
    """
    image = owned(person, pk)
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    _check_day(person, image.bytes)
    picture = Picture(files.content(image.address), image.media_type, image.width, image.height)
    return _keep(person, picture, conversation)


def references(message: Message) -> list[ImageRef]:
    """The pictures of a message that are still there, in their order."""
    ids = [part["image"] for part in message.parts if part["type"] == "image"]
    rows = {str(row.pk): row for row in Image.objects.filter(pk__in=ids)} if ids else {}
    return [reference(row) for each in ids if (row := rows.get(each))]


def reference(image: Image) -> ImageRef:
    return ImageRef(str(image.pk), image.sha256, image.width, image.height)


def owned(person: User, pk: UUID) -> Image:
    """Raises NotFound."""
    image = Image.objects.filter(owner=person, pk=pk).first()
    if image is None:
        raise NotFound("There is no such image.")
    return image


def remove(person: User, pk: UUID) -> None:
    """Take back an image before it is said.

    Raises:
        NotFound: it is not this person's.
        ImageInUse: it was said; it goes with its conversation.
    """
    image = owned(person, pk)
    # Conditional, since the message may be on its way.
    deleted, _ = Image.objects.filter(pk=image.pk, conversation=None).delete()
    if not deleted:
        raise ImageInUse("The image is part of a conversation and is deleted with it.")


def forget_unsaid() -> int:
    """Delete what was uploaded more than a day ago and never said; returns how many."""
    before = timezone.now() - A_DAY
    deleted, _ = Image.objects.filter(conversation=None, created_at__lt=before).delete()
    return deleted


def _check_day(person: User, more: int) -> None:
    today = Image.objects.filter(owner=person, created_at__gt=timezone.now() - A_DAY)
    used = today.aggregate(bytes=Sum("bytes", default=0))["bytes"]
    most = settings.IMAGE_DAY_BYTES
    if used + more > most or today.count() >= PER_DAY:
        raise ImagesTooMany(
            f"You have uploaded {used:,} bytes of images in the last 24 hours, and "
            f"{most:,} or {PER_DAY} images are the most. Try again tomorrow."
        )


def _keep(person: User, picture: Picture, conversation: Conversation | None = None) -> Image:
    image = Image(
        pk=uuid4(),
        owner=person,
        conversation=conversation,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        bytes=len(picture.content),
        sha256=picture.sha256,
    )
    image.address = files.shelf().write(f"images/{image.file_name}", picture.content)
    image.save(force_insert=True)
    return image
