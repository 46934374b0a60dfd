"""A trajectory as one line of JSON, in the formats that researchers' tools read.

Every row of a format has every key, always of the same type. Ids of people and conversations are
pseudonyms: the same for the same person, and worth nothing without this installation's secret.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.crypto import salted_hmac

from assistant.models import Feedback, Message, Release
from assistant.trajectories import provenance
from inference.diffusion.prompt import to_messages
from inference.diffusion.window import from_json
from learning.contracts import FeedbackKind

Row = dict[str, Any]

LIKED = {FeedbackKind.UP: True, FeedbackKind.DOWN: False}
LEAST_LOGPROB = -1e9


def native(release: Release) -> Iterator[Row]:
    """Everything that was logged, token by token, and what was learned from it by now."""
    trajectory = release.trajectory
    message = trajectory.generation.message
    learned = provenance.of(release.trajectory_id)
    yield {
        **_place(release),
        "person": pseudonym("person", message.conversation.owner_id),
        "conversation": pseudonym("conversation", message.conversation_id),
        "created_at": trajectory.created_at.isoformat(),
        "messages": _prompt(release),
        "response": message.text,
        "prompt_token_ids": trajectory.prompt_token_ids,
        "sampled_token_ids": trajectory.sampled_token_ids,
        "logprobs": [
            value if math.isfinite(value) else LEAST_LOGPROB for value in trajectory.logprobs
        ],
        "temperature": float(trajectory.sampling["temperature"]),
        "top_p": float(trajectory.sampling["top_p"]),
        "max_tokens": trajectory.sampling["max_tokens"],
        "seed": trajectory.sampling["seed"],
        "policy": trajectory.policy,
        "policy_sha256": trajectory.digest,
        "base_model": trajectory.base_model,
        "finish_reason": trajectory.finish_reason,
        "queued_ms": trajectory.queued_ms,
        "first_token_ms": trajectory.first_token_ms,
        "total_ms": trajectory.total_ms,
        "feedback": [
            {
                "id": str(feedback.pk),
                "kind": feedback.kind,
                "text": feedback.text,
                "over": str(feedback.over_id) if feedback.over_id else None,
                "tags": feedback.tags,
                "created_at": feedback.created_at.isoformat(),
                **learned.of_feedback(feedback.pk),
            }
            for feedback in message.feedback.all()
        ],
        "used_in_updates": learned.updates,
        "used_by": learned.policies,
    }


def openai(release: Release) -> Iterator[Row]:
    """OpenAI's fine-tuning rows: the whole exchange as messages."""
    yield {**_place(release), "messages": [*_prompt(release), _said(_answer(release).text)]}


def trl_sft(release: Release) -> Iterator[Row]:
    """TRL's conversational prompt and completion; a correction takes the answer's place."""
    text = next((each.text for each in _of(release, FeedbackKind.CORRECTION)), None)
    completion = _answer(release).text if text is None else text
    yield {**_place(release), "prompt": _prompt(release), "completion": [_said(completion)]}


def trl_kto(release: Release) -> Iterator[Row]:
    """TRL's unpaired preferences: answers with a thumb."""
    for feedback in _of(release, *LIKED):
        yield {
            **_place(release),
            "prompt": _prompt(release),
            "completion": [_said(_answer(release).text)],
            "label": LIKED[FeedbackKind(feedback.kind)],
        }


def trl_dpo(release: Release) -> Iterator[Row]:
    """TRL's pairs: a correction over its answer, a chosen sibling over the rejected one."""
    answer = _answer(release).text
    for feedback in _of(release, FeedbackKind.CORRECTION, FeedbackKind.PREFERENCE):
        chosen, rejected = (
            (answer, feedback.over.text) if feedback.over else (feedback.text, answer)
        )
        yield {
            **_place(release),
            "prompt": _prompt(release),
            "chosen": [_said(chosen)],
            "rejected": [_said(rejected)],
        }


FORMATS: dict[str, Callable[[Release], Iterator[Row]]] = {
    "native": native,
    "openai": openai,
    "trl-sft": trl_sft,
    "trl-kto": trl_kto,
    "trl-dpo": trl_dpo,
}


def pseudonym(kind: str, key: object) -> str:
    return salted_hmac(f"danas.pseudonym.{kind}", str(key), algorithm="sha256").hexdigest()[:32]


def _place(release: Release) -> Row:
    return {
        "trajectory_id": str(release.trajectory_id),
        "revision": release.revision,
        "op": "upsert",
        "cursor": release.position,
    }


def _answer(release: Release) -> Message:
    return release.trajectory.generation.message


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _prompt(release: Release) -> list[dict[str, str]]:
    """The messages that the policy saw: the request's own, or the window's."""
    generation = release.trajectory.generation
    if generation.chat is not None:
        chat: list[dict[str, str]] = generation.chat
        return chat
    window = from_json(generation.message.window.shown)
    return [{"role": message.role, "content": message.content} for message in to_messages(window)]


def _of(release: Release, *kinds: FeedbackKind) -> list[Feedback]:
    return [each for each in _answer(release).feedback.all() if each.kind in kinds]
