"""Answers and judgements as the website hands them over. Ada and Ben are people by number."""

from __future__ import annotations

from uuid import UUID, uuid4

from learning import intake
from learning.contracts import FeedbackKind, Judgement, ServedAnswer

from . import tiny

ADA, BEN = 1, 2


def served(
    number: int = 0,
    *,
    person: int = ADA,
    prompt: tuple[int, ...] | None = None,
    response: tuple[int, ...] | None = None,
) -> ServedAnswer:
    response = tiny.tokens(5, 1000 + number) if response is None else response
    return ServedAnswer(
        answer=uuid4(),
        person=person,
        prompt_token_ids=prompt or tiny.tokens(6, number),
        response_token_ids=response,
        logprobs=(-1.0,) * len(response),
        temperature=0.2,
        top_p=0.9,
        policy="base",
    )


def remembered(number: int = 0, *, person: int = ADA, **fields: tuple[int, ...]) -> UUID:
    answer = served(number, person=person, **fields)
    intake.remember(answer)
    return answer.answer


def judged(
    answer: UUID,
    kind: FeedbackKind = FeedbackKind.UP,
    *,
    person: int = ADA,
    text: str = "",
    over: UUID | None = None,
    tags: tuple[str, ...] = (),
    is_held_out: bool = False,
) -> UUID:
    """Feedback ids say whether a judgement is held out; here the test does."""
    judgement = Judgement(feedback_id(is_held_out), answer, person, kind, text, over, tags)
    intake.judge(judgement)
    return judgement.feedback


def feedback_id(is_held_out: bool = False) -> UUID:
    while ((made := uuid4()).int % 10 == 0) != is_held_out:
        pass
    return made
