"""`/v1/images`: pictures to say something with."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from ninja import File, Router
from ninja.files import UploadedFile

from assistant import files
from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.images import uploads
from assistant.models import Image, Scope
from assistant.rates import Kind

router = Router(tags=["conversations"], auth=Needs(Scope.CHAT))

# An image opened by itself runs nothing and loads nothing.
POLICY = "default-src 'none'; sandbox"
FOR_EVER = "private, max-age=31536000, immutable"


class ImageOut(Out):
    """An image as it was encoded anew: upright, at most 2,048 pixels long, without metadata."""

    id: UUID
    media_type: str
    width: int
    height: int
    bytes: int


@router.post(
    "/images",
    response=ImageOut,
    auth=Needs(Scope.CHAT, rate=Kind.UPLOADS),
    summary="Upload an image",
)
def create(request: ApiRequest, file: File[UploadedFile]) -> ImageOut:
    """PNG, JPEG, WebP or the first frame of a GIF. Say it within a day, as a part
    `{"type": "image", "image": id}` of a message; what was not said by then is deleted."""
    image = uploads.take_in(request.auth.person, file.read())
    return ImageOut(
        id=image.pk,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        bytes=image.bytes,
    )


@router.get("/images/{uuid:pk}", response={200: None}, summary="One's own image")
def show(request: ApiRequest, pk: UUID) -> HttpResponse:
    return served(uploads.owned(request.auth.person, pk), cached=FOR_EVER)


@router.delete("/images/{uuid:pk}", response={204: None}, summary="Take an image back")
def delete(request: ApiRequest, pk: UUID) -> HttpResponse:
    """Before it is said; one that was said goes with its conversation."""
    uploads.remove(request.auth.person, pk)
    return HttpResponse(status=204)


def served(image: Image, *, cached: str) -> HttpResponse:
    response = HttpResponse(files.content(image.address), content_type=image.media_type)
    response["Content-Disposition"] = f'inline; filename="{image.file_name}"'
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = cached
    return response
