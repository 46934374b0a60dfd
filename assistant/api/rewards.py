"""`POST /v1/rewards`: what the reward model thinks of an answer now."""

from __future__ import annotations

from channels.db import database_sync_to_async
from ninja import Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.api.chat_messages import ChatMessageIn
from assistant.models import Scope
from assistant.texts import Text
from learning import queue
from learning.contracts import RewardEstimate

router = Router(tags=["learning"])

ESTIMATE_PATIENCE_S = 30.0


class RewardQuestion(Body):
    """An answer, and the messages that it answers."""

    messages: list[ChatMessageIn] = Field(min_length=1)
    response: Text


class Reward(Out):
    """The log-odds that people like the answer, its deviation, and the judgements behind it."""

    mean: float
    sd: float
    version: int


@router.post(
    "/rewards", response=Reward, auth=Needs(Scope.LEARNING), summary="What is an answer worth?"
)
async def estimate(request: ApiRequest, body: RewardQuestion) -> Reward:
    found: RewardEstimate = await database_sync_to_async(queue.estimate)(
        [message.as_chat for message in body.messages], body.response, ESTIMATE_PATIENCE_S
    )
    return Reward(mean=found.mean, sd=found.sd, version=found.version)
