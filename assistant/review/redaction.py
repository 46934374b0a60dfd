"""Words that a reviewer blacked out: hidden from reviewers, learning and export.

They stay as they are in the conversation, which is its owner's. The export hides them in SQL
(`trajectories.consent`), more strictly. Elsewhere every occurrence of the
words is replaced, in the whole conversation: a number that was asked about comes back in the next
question, and in the prompt of every later answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from assistant.errors import ModelNotThere, ReviewInvalid
from assistant.models import (
    Decision,
    Feedback,
    Message,
    Note,
    Redaction,
    ReviewItem,
    Trajectory,
    Verdict,
)
from assistant.tokens import tokenizer
from learning import intake, queue, wishes
from learning.contracts import Rewritten, ServedAnswer

Tokens = TypeVar("Tokens", ServedAnswer, Rewritten)
MASK = "[redacted]"
# Two characters would be found in every other word.
LEAST_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to before `end`, in characters (code points) of the text that `where` names:
    `answer`, `over`, `said`, or `path.N`."""

    where: str
    start: int
    end: int


def words_of(conversation: UUID) -> list[str]:
    """What was redacted in a conversation, the longest first, since it may contain the others."""
    rows = Redaction.objects.filter(conversation=conversation, is_undone=False)
    return sorted(set(rows.values_list("words", flat=True)), key=lambda words: (-len(words), words))


def hidden(text: str, words: Iterable[str]) -> str:
    for each in words:
        text = text.replace(each, MASK)
    return text


def words_in_notes(notes: Iterable[Note]) -> list[str]:
    """What was redacted in the conversations that some notes came from."""
    rows = Redaction.objects.filter(conversation__messages__notes__in=list(notes), is_undone=False)
    return list(rows.order_by("words").values_list("words", flat=True).distinct())


def hide_in(conversation: UUID, texts: Sequence[str], words: Iterable[str]) -> bool:
    """Redact in a conversation too what notes have brought into it; says whether that is new."""
    told = {each for each in words if any(each in text for text in texts)}
    new = sorted(told - set(words_of(conversation)))
    Redaction.objects.bulk_create(
        Redaction(conversation_id=conversation, words=each) for each in new
    )
    return bool(new)


def hidden_tokens(ids: Sequence[int], words: Sequence[str]) -> list[int]:
    """The same for token ids. What comes back was not sampled, so it has no log-probabilities.

    Raises:
        ModelNotThere: the model's tokenizer is not on this machine.
    """
    text = tokenizer().decode_whole(ids)
    shown = hidden(text, words)
    return list(ids) if shown == text else tokenizer().encode(shown)


def marked(texts: dict[str, str], spans: Iterable[Span]) -> list[str]:
    """The words under some spans. What is masked already stands nowhere as it is shown there, so
    a span over it is what remains of the span around it.

    Raises:
        ReviewInvalid: a span that is nowhere, or too short to be told from ordinary words.
    """
    found = []
    for span in spans:
        # No text has a NUL: PostgreSQL takes none.
        text = texts.get(span.where, "").replace(MASK, "\0" * len(MASK))
        pieces = [piece.strip() for piece in text[span.start : span.end].split("\0")]
        words = [piece for piece in pieces if len(piece) >= LEAST_CHARACTERS]
        if not words:
            raise ReviewInvalid(
                f"spans: what is to be redacted has at least {LEAST_CHARACTERS} characters of a "
                "text of this item."
            )
        found += words
    return found


def of_served(conversation: UUID, answer: Tokens) -> Tokens | None:
    """What learning may have of an answer; None where it can't be made without its tokenizer."""
    words = words_of(conversation)
    if not words:
        return answer
    if isinstance(answer, ServedAnswer) and answer.chat is not None:
        # Its pictures and what tools said may say the words as well.
        return None
    try:
        prompt = tuple(hidden_tokens(answer.prompt_token_ids, words))
        response = tuple(hidden_tokens(answer.response_token_ids, words))
    except ModelNotThere:
        return None
    is_same = response == answer.response_token_ids
    return replace(
        answer,
        prompt_token_ids=prompt,
        response_token_ids=response,
        logprobs=answer.logprobs if is_same else (),
    )


def pass_on(conversation: UUID) -> None:
    """Have learning keep of this conversation what is shown of it now. What was said of its memory
    is forgotten: lessons are numbers, in which nothing can be blacked out."""
    words = words_of(conversation)
    messages = Message.with_deleted.filter(conversation=conversation)
    wishes.forget_sources(list(messages.values_list("pk", flat=True)))
    answers = []
    for row in Trajectory.objects.filter(generation__message__conversation=conversation):
        whole = Rewritten(
            answer=row.pk,
            prompt_token_ids=tuple(row.prompt_token_ids),
            response_token_ids=tuple(row.sampled_token_ids),
            logprobs=tuple(row.logprobs),
        )
        if told := of_served(conversation, whole):
            answers.append(told)
        else:
            intake.forget_answer(row.pk)
    # As it stands now, and by the same rule, so this shows again what is redacted no more.
    said = Feedback.objects.filter(message__conversation=conversation, revoked_at=None)
    intake.rewrite(answers, {row.pk: hidden(row.text, words) for row in said})
    for feedback, text in _corrections(conversation).items():
        intake.reword(feedback, hidden(text, words))
    transaction.on_commit(queue.ask_catch_up, robust=True)


def _corrections(conversation: UUID) -> dict[UUID, str]:
    """What reviewers wrote that is learned from, by feedback; of two who agreed the first one's."""
    rows = Decision.objects.filter(
        item__conversation=conversation,
        item__state=ReviewItem.State.CORRECTED,
        verdict=Verdict.CORRECT,
        undone_at=None,
    )
    newest_first = rows.order_by("-made_at").values_list("item__feedback", "text")
    return dict(newest_first)
