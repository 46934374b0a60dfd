"""Finding again what was said."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Query, Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.chat.views_of import conversation_out
from assistant.chat.wire import ConversationOut
from assistant.models import Scope
from assistant.rates import Kind
from assistant.search import finding
from assistant.search.finding import Hit, Wanted
from assistant.texts import Text

router = Router(tags=["conversations"], auth=Needs(Scope.CHAT, rate=Kind.SEARCHES))


class SegmentOut(Out):
    text: str
    is_match: bool


class HitOut(Out):
    """A message, or where `message` is null a conversation by its title.

    `found_by` says why: `words` it has, a `part` of a word, a `spelling` that is alike, its
    `meaning`, the `title`. `excerpt` is plain text.
    """

    conversation: ConversationOut
    message: UUID | None
    role: str
    at: datetime
    found_by: list[Literal["words", "part", "spelling", "meaning", "title"]]
    excerpt: list[SegmentOut]


class Hits(Out):
    data: list[HitOut]


@router.get("/search", response=Hits, summary="Search one's own conversations")
def search(
    request: ApiRequest,
    q: Annotated[Text, Query(max_length=500)],
    limit: Annotated[int, Field(ge=1, le=50)] = 20,
    role: Literal["user", "assistant"] | None = None,
    archived: bool | None = None,
    folder: UUID | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Hits:
    """The best first, by words and by meaning. "In quotes" it is taken literally, and -word leaves
    out; temporary and deleted conversations are never in it."""
    wanted = Wanted(q, role, archived, folder, since, until)
    return Hits(data=[_out(hit) for hit in finding.find(request.auth.person, wanted, limit=limit)])


def _out(hit: Hit) -> HitOut:
    return HitOut(
        conversation=conversation_out(hit.conversation),
        message=hit.message,
        role=hit.role,
        at=hit.at,
        found_by=[way.value for way in hit.ways],
        excerpt=[SegmentOut(text=each.text, is_match=each.is_match) for each in hit.excerpt],
    )
