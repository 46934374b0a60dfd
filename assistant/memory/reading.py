"""Has the engine read what was said in a finished turn: which of it will be asked for?

Nobody waits for it: a turn that comes before it is done finds recency alone.
"""

from __future__ import annotations

import logging
from uuid import UUID

from channels.db import database_sync_to_async

from assistant.memory import window as memory
from inference import registry
from inference.client import EngineClient
from inference.contracts import Policy
from inference.diffusion import Window
from inference.diffusion.marker import Reading, answers, gathered, readings
from inference.errors import InferenceError, PolicyNotLoaded
from inference.tokenizer import ChatTokenizer

logger = logging.getLogger(__name__)


async def fill_in(answer: UUID, client: EngineClient, tokenizer: ChatTokenizer) -> None:
    """Read the blocks of `answer`'s window that nobody has read yet and store what came of it."""
    window, policy = await database_sync_to_async(_to_read)(answer)
    if policy is None:
        return
    try:
        needs = await read(window, policy, client, tokenizer)
    except InferenceError as error:
        logger.warning("nothing was read for %s: %s", answer, error.code)
        return
    await database_sync_to_async(memory.note_needs)(answer, needs)


async def read(
    window: Window, policy: Policy, client: EngineClient, tokenizer: ChatTokenizer
) -> dict[int, list[float]]:
    """The log-odds of every sentence in the blocks that have none yet, by block.

    Raises: as `EngineClient.judge`.
    """
    unread = {block.id for block in window.blocks if not block.needs}
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
    """What `answer` carries on, and the adapter that reads; none before one is in use."""
    version = registry.live(registry.MEMORY_ALIAS)
    if not version.path:
        return Window(""), None
    return memory.carried(answer), registry.as_policy(version)
