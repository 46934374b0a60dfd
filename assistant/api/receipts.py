"""`/v1/learning/receipts`: what became of the caller's own feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.api.ledger import EntryOut, entry_out
from assistant.feedback import receipts
from assistant.feedback.receipts import Learned
from assistant.models import Scope
from assistant.moments import Moment

router = Router(tags=["feedback"], auth=Needs(Scope.FEEDBACK))


class TrainedPolicy(Out):
    """A version that learned from it. `is_in_live`: the live version is this one, or was trained
    from it."""

    name: str
    state: str
    is_live: bool
    is_in_live: bool


class LearnedOut(Out):
    """One piece of the caller's feedback and what became of it, in one `sentence`.

    `use` is `stored` where learning does not have it, else waiting, learned, held_out, dictated,
    left_out or silent. `question` and `answer` are the beginnings of the two.
    """

    feedback: UUID
    kind: str
    text: str
    tags: list[str]
    question: str
    answer: str
    conversation: UUID
    message: UUID
    at: datetime
    revoked_at: datetime | None
    use: str
    sentence: str
    weight: float | None
    reward_version: int | None
    policies: list[TrainedPolicy]


class Receipts(Out):
    data: list[LearnedOut]


class ReceiptProof(Out):
    """A receipt with what the ledger says of it and of the versions that learned from it. `holds`:
    the chain is whole from the first of these entries to the newest; if not, `break` says where."""

    receipt: LearnedOut
    entries: list[EntryOut]
    holds: bool
    break_: str = Field(alias="break", serialization_alias="break")


@router.get("/learning/receipts", response=Receipts, summary="What became of my feedback")
def index(
    request: ApiRequest,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    before: Moment | None = None,
) -> Receipts:
    """The newest first; `before` is the `at` of the last one read."""
    found = receipts.newest(request.auth.person, limit=limit, before=before)
    return Receipts(data=[_learned_out(each) for each in found])


@router.get(
    "/learning/receipts/{uuid:feedback}",
    response=ReceiptProof,
    by_alias=True,
    summary="One receipt, with its proof",
)
def show(request: ApiRequest, feedback: UUID) -> ReceiptProof:
    proof = receipts.proof(request.auth.person, feedback)
    return ReceiptProof(
        receipt=_learned_out(proof.receipt),
        entries=[entry_out(entry) for entry in proof.entries],
        holds=proof.broken is None,
        **{"break": proof.broken.sentence if proof.broken else ""},
    )


def _learned_out(learned: Learned) -> LearnedOut:
    feedback = learned.feedback
    return LearnedOut(
        feedback=feedback.pk,
        kind=feedback.kind,
        text=feedback.text,
        tags=feedback.tags,
        question=learned.question,
        answer=learned.answer,
        conversation=feedback.message.conversation_id,
        message=feedback.message_id,
        at=feedback.created_at,
        revoked_at=feedback.revoked_at,
        use=learned.use,
        sentence=learned.sentence,
        weight=learned.weight,
        reward_version=learned.reward_version,
        policies=[
            TrainedPolicy(
                name=descent.version.name,
                state=descent.version.state,
                is_live=descent.is_live,
                is_in_live=descent.is_in_live,
            )
            for descent in learned.descents
        ],
    )
