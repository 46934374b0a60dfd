"""How an answer was made, for the person whom it answered."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from assistant.errors import NotFound
from assistant.models import Generation, Trajectory, User, Window
from assistant.models.conversation import owned_by


@dataclass(frozen=True, slots=True)
class Details:
    """Figures are null where the log has none; times are since the person asked."""

    model: str
    policy: str
    status: str
    finish_reason: str | None
    has_memory: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    first_token_ms: float | None
    total_ms: float | None
    window_tokens: int | None
    window_limit: int | None


def details(person: User, answer: UUID) -> Details:
    """Raises NotFound when there is no such answer of this person."""
    generation = Generation.objects.filter(
        owned_by(person, "message__conversation"), pk=answer
    ).first()
    if generation is None:
        raise NotFound("There is no such answer.")
    made = Trajectory.objects.filter(pk=answer).values_list(
        "finish_reason",
        "first_token_ms",
        "total_ms",
        "prompt_token_ids__len",
        "sampled_token_ids__len",
    )
    finish_reason, first_token_ms, total_ms, read, written = made.first() or (None,) * 5
    window = Window.objects.filter(pk=answer).values_list("used_tokens", "limit_tokens")
    window_tokens, window_limit = window.first() or (None, None)
    return Details(
        model=generation.model,
        policy=generation.policy,
        status=generation.status,
        finish_reason=finish_reason,
        has_memory=generation.chat is None,
        prompt_tokens=read,
        completion_tokens=written,
        first_token_ms=first_token_ms,
        total_ms=total_ms,
        window_tokens=window_tokens,
        window_limit=window_limit,
    )
