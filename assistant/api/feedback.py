"""`POST /v1/feedback`: what a person says about an answer, with a receipt."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import HttpResponse
from ninja import Header, Router
from pydantic import AfterValidator, Field, StringConstraints

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from assistant.models import Scope
from assistant.rates import Kind
from assistant.texts import Text, storable
from learning import queue
from learning.contracts import FeedbackKind

router = Router(tags=["feedback"], auth=Needs(Scope.FEEDBACK))

REWARD_PATIENCE_S = 5.0

Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    AfterValidator(storable),
]
KEY: Any = Header(  # type: ignore[type-arg]
    "", alias="Idempotency-Key", max_length=200, pattern=r"^[\x20-\x7e]*$"
)


class FeedbackIn(Body):
    """`text` is the corrected answer or the comment (and may explain any other kind); `over` is
    the sibling that a preference rejects; tags are reasons."""

    message: UUID
    kind: FeedbackKind
    text: Text = ""
    over: UUID | None = None
    tags: list[Tag] = Field([], max_length=20)


class FeedbackReceipt(Out):
    """`reward_version` is the reward model's version that first contains this feedback. It is
    null where the person has not agreed to training, and where the reward worker is behind: the
    feedback is stored and will be taken in."""

    id: UUID
    reward_version: int | None


@router.post(
    "/feedback",
    response=FeedbackReceipt,
    auth=Needs(Scope.FEEDBACK, rate=Kind.FEEDBACK),
    summary="Judge an answer",
)
async def create(
    request: ApiRequest,
    body: FeedbackIn,
    key: str = KEY,
) -> FeedbackReceipt:
    caller = request.auth
    opinion = Opinion(body.message, body.kind, body.text, body.over, body.tags)
    receipt = await database_sync_to_async(ratings.rate)(caller.person, opinion, key=key)
    version = receipt.feedback.reward_version
    if receipt.is_learned and version is None:
        version = await database_sync_to_async(_wait)(receipt.feedback.pk)
    return FeedbackReceipt(id=receipt.feedback.pk, reward_version=version)


def _wait(feedback: UUID) -> int | None:
    version = queue.reward_version_of(feedback, REWARD_PATIENCE_S)
    if version is not None:
        ratings.note_version(feedback, version)
    return version


@router.delete("/feedback/{uuid:pk}", response={204: None}, summary="Take feedback back")
def delete(request: ApiRequest, pk: UUID) -> HttpResponse:
    """The reward model forgets it; taking it back twice is as good as once."""
    ratings.take_back(request.auth.person, pk)
    return HttpResponse(status=204)
