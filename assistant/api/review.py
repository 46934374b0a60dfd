"""`/v1/review`: the queue that reviewers work through."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.errors import RequestInvalid
from assistant.api.review_items import ItemOut, WholeItem, item_out, whole_item
from assistant.models import Scope, Verdict
from assistant.review import agreement, audit, bulk, claims, decisions, describing, listing
from assistant.review.decisions import Ruling
from assistant.review.filters import Filters
from assistant.review.listing import Place
from assistant.review.redaction import Span
from assistant.texts import Text

router = Router(tags=["review"], auth=Needs(Scope.REVIEW))

State = Literal[
    "", "pending", "claimed", "accepted", "corrected", "rejected", "redacted", "escalated"
]
VerdictName = Literal["accept", "correct", "reject", "redact", "escalate"]


class FiltersIn(Schema):
    """All that are given have to hold. `pseudonym` is a person's or its beginning; `q` is a text
    search; days are in UTC."""

    state: State = ""
    kind: Literal["", "up", "down", "correction", "preference", "comment"] = ""
    pseudonym: Annotated[Text, Field(max_length=32)] = ""
    policy: Annotated[Text, Field(max_length=80)] = ""
    tag: Annotated[Text, Field(max_length=40)] = ""
    pii: bool | None = None
    contradiction: bool | None = None
    unsure: bool | None = None
    since: date | None = None
    until: date | None = None
    q: Annotated[Text, Field(max_length=400)] = ""

    def as_filters(self) -> Filters:
        return Filters(**{name: getattr(self, name) for name in FiltersIn.model_fields})


class SpanIn(Body):
    """In characters (code points) of the text that `where` names: `answer`, `over`, `said`, or
    `path.N` for the message at N."""

    where: Text = Field(max_length=20)
    start: int = Field(ge=0, lt=2**31)
    end: int = Field(ge=0, lt=2**31)


class Items(Out):
    """`next` goes into `after` for the page that follows; empty at the end."""

    data: list[ItemOut]
    next: str


class Next(Out):
    """`item` is null where no item is left."""

    item: WholeItem | None


class NextIn(Body):
    filters: FiltersIn = FiltersIn()
    skip: list[UUID] = Field([], max_length=500)


class TokenIn(Body):
    token: UUID


class RulingIn(Body):
    token: UUID
    verdict: VerdictName
    text: Text = ""
    spans: list[SpanIn] = Field([], max_length=500)
    note: Text = Field("", max_length=2000)


class SimilarOut(Out):
    item: ItemOut
    closeness: float
    is_opposite: bool


class Similar(Out):
    data: list[SimilarOut]


class AuditOut(Out):
    at: datetime
    by: str
    act: str
    before: dict[str, Any]
    after: dict[str, Any]


class Audit(Out):
    data: list[AuditOut]


class Counts(Out):
    """What there is to filter by: numbers by state, and the policies and tags that occur."""

    states: dict[str, int]
    contradictions: int
    policies: list[str]
    tags: list[str]


class AgreementOut(Out):
    pairs: int
    percent: float | None
    kappa: float | None


class PreviewIn(Body):
    verdict: VerdictName
    filters: FiltersIn = FiltersIn()


class PreviewOut(Out):
    """Applying `id` is about these `count` items and no others. `has_more` says that more match
    than can be done at once."""

    id: UUID
    verdict: str
    count: int
    has_more: bool
    examples: list[ItemOut]


class OutcomeOut(Out):
    done: int
    skipped: int


@router.get("/review/items", response=Items, summary="List review items")
def index(
    request: ApiRequest,
    filters: Query[FiltersIn],
    sort: Literal["telling", "newest"] = "telling",
    limit: Annotated[int, Field(ge=1, le=100)] = 30,
    after: Annotated[Text, Field(max_length=200)] = "",
) -> Items:
    """By influence times uncertainty of the reward model, or the newest first."""
    page = listing.page(filters.as_filters(), sort, _place(after), limit)
    return Items(
        data=[item_out(request.auth.person, item) for item in page.items],
        next=_cursor(page.next) if page.next else "",
    )


@router.get("/review/counts", response=Counts, summary="Count review items")
def counts(request: ApiRequest) -> Counts:
    return Counts(**asdict(listing.counts()))


@router.get("/review/agreement", response=AgreementOut, summary="How far reviewers agree")
def show_agreement(request: ApiRequest) -> AgreementOut:
    return AgreementOut(**asdict(agreement.measured()))


@router.post("/review/next", response=Next, summary="Claim the next item")
def claim_next(request: ApiRequest, body: NextIn) -> Next:
    """The most telling one that is free and matches, for ten minutes."""
    who = request.auth.person
    item = claims.claim_next(who, body.filters.as_filters(), body.skip)
    return Next(item=whole_item(who, item) if item else None)


@router.get("/review/items/{uuid:pk}", response=WholeItem, summary="Read a review item")
def show(request: ApiRequest, pk: UUID) -> WholeItem:
    return whole_item(request.auth.person, claims.find(pk))


@router.post("/review/items/{uuid:pk}/claim", response=WholeItem, summary="Claim an item")
def claim(request: ApiRequest, pk: UUID) -> WholeItem:
    return whole_item(request.auth.person, claims.claim(request.auth.person, pk))


@router.post("/review/items/{uuid:pk}/renew", response=WholeItem, summary="Keep an item longer")
def renew(request: ApiRequest, pk: UUID, body: TokenIn) -> WholeItem:
    return whole_item(request.auth.person, claims.renew(request.auth.person, pk, body.token))


@router.post("/review/items/{uuid:pk}/release", response={204: None}, summary="Give an item back")
def release(request: ApiRequest, pk: UUID, body: TokenIn) -> HttpResponse:
    claims.release(request.auth.person, pk, body.token)
    return HttpResponse(status=204)


@router.post("/review/items/{uuid:pk}/decide", response=WholeItem, summary="Decide an item")
def decide(request: ApiRequest, pk: UUID, body: RulingIn) -> WholeItem:
    """Needs the token of the claim. `text` is the corrected answer, `spans` what to redact."""
    who = request.auth.person
    spans = [Span(span.where, span.start, span.end) for span in body.spans]
    ruling = Ruling(Verdict(body.verdict), body.text, spans, body.note)
    return whole_item(who, decisions.decide(who, pk, body.token, ruling))


@router.post("/review/items/{uuid:pk}/undo", response=WholeItem, summary="Undo a decision")
def undo(request: ApiRequest, pk: UUID) -> WholeItem:
    """Takes back all that came of it; the item is the caller's again."""
    return whole_item(request.auth.person, decisions.undo(request.auth.person, pk))


@router.get("/review/items/{uuid:pk}/similar", response=Similar, summary="Find similar items")
def similar(request: ApiRequest, pk: UUID) -> Similar:
    item = claims.find(pk)
    who = request.auth.person
    return Similar(
        data=[
            SimilarOut(
                item=item_out(who, other),
                closeness=closeness,
                is_opposite=bool(item.polarity) and other.polarity == -item.polarity,
            )
            for other, closeness in describing.similar(item)
        ]
    )


@router.get("/review/items/{uuid:pk}/audit", response=Audit, summary="Read an item's history")
def show_audit(request: ApiRequest, pk: UUID) -> Audit:
    rows = audit.visible_to(request.auth.person, claims.find(pk))
    return Audit(
        data=[
            AuditOut(at=row.at, by=row.by_name, act=row.act, before=row.before, after=row.after)
            for row in rows
        ]
    )


@router.post("/review/bulk", response=PreviewOut, summary="Preview one verdict on many items")
def preview(request: ApiRequest, body: PreviewIn) -> PreviewOut:
    who = request.auth.person
    made = bulk.preview(who, body.filters.as_filters(), Verdict(body.verdict))
    return PreviewOut(
        id=made.bulk.pk,
        verdict=made.bulk.verdict,
        count=len(made.bulk.items),
        has_more=made.has_more,
        examples=[item_out(who, item) for item in made.examples],
    )


@router.post("/review/bulk/{uuid:pk}/apply", response=OutcomeOut, summary="Do what was previewed")
def apply(request: ApiRequest, pk: UUID) -> OutcomeOut:
    return OutcomeOut(**asdict(bulk.apply(request.auth.person, pk)))


@router.post("/review/bulk/{uuid:pk}/undo", response=OutcomeOut, summary="Undo it for all of them")
def undo_bulk(request: ApiRequest, pk: UUID) -> OutcomeOut:
    return OutcomeOut(**asdict(bulk.undo(request.auth.person, pk)))


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        priority, at, pk = json.loads(base64.urlsafe_b64decode(cursor))
        return float(priority), datetime.fromisoformat(at).isoformat(), str(UUID(pk))
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise RequestInvalid("after: not a place in this list.", param="after") from None
