"""Has what was said in a finished turn read: which of it will be asked for?

By the reward worker's probe of the base model; or, where an adapter was put into use for it, by the
engine under that adapter. Nobody waits for it: a turn that comes before it is done finds recency
alone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from uuid import UUID

from channels.db import database_sync_to_async

from assistant.memory import window as memory
from inference import registry
from inference.client import EngineClient
from inference.contracts import Policy
from inference.diffusion import Window
from inference.diffusion.marker import Reading, answers, gathered, needed, readings
from inference.errors import InferenceError, PolicyNotLoaded
from inference.tokenizer import ChatTokenizer
from learning import queue
from learning.errors import NobodyReads

# The reward worker may be loading the model, or be busy with judgements, which come first.
PATIENCE_S = 120.0
logger = logging.getLogger(__name__)


async def fill_in(
    answer: UUID, client: EngineClient, tokenizer: ChatTokenizer, again: Collection[int] = ()
) -> None:
    """Read the blocks of `answer`'s window that nobody has read yet and store what came of it.

    Those with ids in `again` are read once more.
    """
    window, policy = await database_sync_to_async(_to_read)(answer)
    unread = {block.id for block in window.blocks if not block.needs or block.id in again}
    if not unread:
        return
    try:
        needs = await (
            read(window, unread, policy, client, tokenizer)
            if policy
            else queue.needs(needed(window.blocks, unread), unread, PATIENCE_S)
        )
    except (InferenceError, NobodyReads) as error:
        logger.warning("nothing was read for %s: %s", answer, error.code)
        return
    await database_sync_to_async(memory.note_needs)(answer, needs)


async def read(
    window: Window,
    unread: Collection[int],
    policy: Policy,
    client: EngineClient,
    tokenizer: ChatTokenizer,
) -> dict[int, list[float]]:
    """The log-odds of every sentence in the unread blocks, by block, as the engine reads them.

    Raises: as `EngineClient.judge`.
    """
    yes, no = answers(tokenizer.encode)

    async def judge(reading: Reading) -> list[float]:
        return await client.judge(reading.token_ids, reading.places, yes, no, policy)

    done = []
    for reading in readings(window.blocks, unread, tokenizer.encode):
        try:
            log_odds = await judge(reading)
        except PolicyNotLoaded:
            # The engine was restarted since the adapter was put into use.
            await client.load(policy)
            log_odds = await judge(reading)
        done.append((reading, log_odds))
    return gathered(done)


def _to_read(answer: UUID) -> tuple[Window, Policy | None]:
    """What `answer` carries on, and the adapter that reads it, where one is in use."""
    version = registry.live(registry.MEMORY_ALIAS)
    return memory.carried(answer), registry.as_policy(version) if version.path else None
