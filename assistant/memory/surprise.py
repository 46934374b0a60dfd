"""How surprising what was said in a finished turn was to the base model, filled in after the turn.

Nobody waits for it: a turn that comes before it is done finds recency alone.
"""

from __future__ import annotations

import logging
from uuid import UUID

from channels.db import database_sync_to_async

from assistant.memory import window as memory
from inference.client import EngineClient
from inference.contracts import BASE
from inference.errors import InferenceError
from inference.tokenizer import ChatTokenizer

logger = logging.getLogger(__name__)


async def fill_in(answer: UUID, client: EngineClient, tokenizer: ChatTokenizer) -> None:
    """Score the blocks of `answer`'s window that have no surprisal yet and store it."""
    texts = await database_sync_to_async(memory.unscored)(answer)
    try:
        surprisals = {
            block: await _surprisal(text, client, tokenizer) for block, text in texts.items()
        }
    except InferenceError as error:
        logger.warning("no surprisal for %s: %s", answer, error.code)
        return
    await database_sync_to_async(memory.note_surprisals)(answer, surprisals)


async def _surprisal(text: str, client: EngineClient, tokenizer: ChatTokenizer) -> float:
    """Mean of minus log p of the tokens after the first, in nats, under the base model."""
    token_ids = tokenizer.encode(text)
    if len(token_ids) < 2:
        return 0.0
    logprobs = await client.score(token_ids, BASE)
    return -sum(logprobs) / len(logprobs)
