"""The website's rows as values that learning takes, and the moment they are handed over.

Nothing leaves here without the person's consent to training, read afresh and locked until the
transaction ends; a temporary conversation never leaves at all.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from assistant.models import Conversation, Feedback, Generation, Image, Trajectory, User
from assistant.review import redaction
from learning import canary, intake, queue
from learning.contracts import FeedbackKind, Judgement, ServedAnswer

THUMBS = (FeedbackKind.UP, FeedbackKind.DOWN)


def hand_over(generation: Generation) -> bool:
    """Give a finished answer to learning, if it may have it. Call inside a transaction.

    Returns:
        Whether learning has it.
    """
    conversation = generation.message.conversation
    # Without its record: what that was made from has been deleted.
    if not hasattr(generation, "trajectory"):
        return False
    if conversation.is_temporary or not agrees(conversation.owner_id):
        return False
    # Read anew, behind the lock on its owner: it may have been deleted while the answer was made.
    if not Conversation.objects.filter(pk=conversation.pk).exists():
        return False
    answer = redaction.of_served(conversation.pk, served(generation))
    if answer is None:
        return False
    intake.remember(answer)
    transaction.on_commit(queue.ask_catch_up, robust=True)
    return True


def judge(feedback: Feedback) -> bool:
    """Give a judgement to learning, with the answers it is about. Call inside a transaction.

    The answers are handed over again, which does nothing where learning has them: the person may
    have agreed to training after they were made, and agrees now.

    Returns:
        Whether learning has it.
    """
    answers = [feedback.message_id, *filter(None, [feedback.over_id])]
    rows = Generation.objects.select_related("message__conversation", "trajectory")
    if not all(hand_over(generation) for generation in rows.filter(pk__in=answers)):
        return False
    intake.judge(judgement(feedback))
    if feedback.kind in THUMBS:
        canary.note_thumb(feedback.message_id, feedback.kind == FeedbackKind.DOWN)
    return True


def served(generation: Generation) -> ServedAnswer:
    """What learning keeps of an answer; the generation has to have its trajectory."""
    trajectory = generation.trajectory
    return ServedAnswer(
        answer=generation.pk,
        person=generation.message.conversation.owner_id,
        prompt_token_ids=tuple(trajectory.prompt_token_ids),
        response_token_ids=tuple(trajectory.sampled_token_ids),
        logprobs=tuple(trajectory.logprobs),
        temperature=trajectory.sampling["temperature"],
        top_p=trajectory.sampling["top_p"],
        policy=trajectory.policy,
        chat=_chat(trajectory),
    )


def _chat(trajectory: Trajectory) -> dict[str, Any] | None:
    """What stood behind the tokens where there were pictures or tools; null otherwise."""
    messages = trajectory.messages
    shown = {image["id"] for message in messages for image in message.get("images", ())}
    tools = trajectory.asked.get("tools", [])
    if not shown and not tools:
        return None
    pictures = Image.objects.filter(pk__in=shown)
    return {
        "messages": messages,
        "tools": tools,
        "template": trajectory.asked.get("template", {}),
        "pictures": {
            row.sha256: {"address": row.address, "media_type": row.media_type} for row in pictures
        },
    }


def judgement(feedback: Feedback) -> Judgement:
    hidden = redaction.words_of(feedback.message.conversation_id)
    return Judgement(
        feedback=feedback.pk,
        answer=feedback.message_id,
        person=feedback.person_id,
        kind=FeedbackKind(feedback.kind),
        text=redaction.hidden(feedback.text, hidden),
        over=feedback.over_id,
        tags=tuple(feedback.tags),
    )


def agrees(person: int) -> bool:
    """Whether the person agrees to training; a change has to wait for this transaction."""
    row = User.objects.select_for_update(no_key=True).only("training_consent").get(pk=person)
    return row.trains
