"""What happens to a conversation's memory after an answer: it is read, room is made in it, and the
engine reads what came of it.

The generation worker does this when nobody waits. A turn that comes before it is done finds the
memory as the answer left it, and the loop runs while the turn's prompt is built.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings

from assistant import asides
from assistant.chat import chats
from assistant.memory import ahead, captions, reading, reminders
from assistant.memory import window as memory
from assistant.models import Generation
from inference.client import EngineClient
from inference.contracts import FinishReason, Sampling
from inference.diffusion import Action, Block, Window, diffuse, to_messages
from inference.diffusion.rewrite import order, plan, whole_sentences
from inference.errors import InferenceError, MessageTooLong, SystemTextTooLong
from inference.size import bytes_of_weights
from inference.tokenizer import ChatTokenizer

logger = logging.getLogger(__name__)

# Of the window, kept free for what the person says next.
NEXT_TURN_SHARE = 16
# Nobody waits while the engine reads what is settled: no more is freed than is needed.
SLACK = 0.0
# Weights of less than this many bytes are of a model that words things anew badly: see
# learning/EXPERIMENTS.md.
LEAST_WEIGHTS = 7_000_000_000


async def after_turn(answer: UUID, client: EngineClient, tokenizer: ChatTokenizer) -> None:
    """Read what was said, make room for the next turn, have the engine read the memory if it is
    another for that, and read what was worded anew."""
    await database_sync_to_async(reminders.take_note)(answer)
    await reading.fill_in(answer, client, tokenizer)
    window = await database_sync_to_async(memory.to_settle)(answer)
    limit = await database_sync_to_async(_limit)(answer, tokenizer)
    if await asyncio.to_thread(_has_room, window, limit, tokenizer):
        return
    shown = await captions.described(window, client, tokenizer)
    try:
        texts = await _worded_anew(shown, limit, client, tokenizer) if is_rewriting() else {}
        settled = await asyncio.to_thread(_settled, shown, limit, tokenizer, texts)
    except (MessageTooLong, SystemTextTooLong):
        return
    if not set(_last_message(shown)) <= set(settled.blocks):
        # What was just said leaves no room for more: it is the next turn's to touch.
        return
    is_stored = await database_sync_to_async(memory.settle)(answer, window, settled)
    if is_stored:
        await ahead.read(answer, client, tokenizer)
    anew = [change.block for change in settled.changes if change.action == Action.REWRITTEN]
    if is_stored and anew:
        await reading.fill_in(answer, client, tokenizer, again=anew)


def is_rewriting() -> bool:
    """Whether this Danas has its model word anew what the window can't hold whole."""
    if settings.REWRITING == "auto":
        return bytes_of_weights(settings.MODEL_PATH) >= LEAST_WEIGHTS
    return settings.REWRITING == "on"


def _limit(answer: UUID, tokenizer: ChatTokenizer) -> int:
    """The tokens of the next prompt before anything is said, if it has the tools of this one."""
    generation = Generation.objects.filter(pk=answer).first()
    tools = chats.asked(generation).tokens(tokenizer) if generation else 0
    return settings.WINDOW_TOKENS - settings.WINDOW_TOKENS // NEXT_TURN_SHARE - tools


def _has_room(window: Window, limit: int, tokenizer: ChatTokenizer) -> bool:
    return not window.blocks or len(tokenizer.prompt_ids(to_messages(window))) <= limit


def _last_message(window: Window) -> list[Block]:
    return [block for block in window.blocks if block.message == window.blocks[-1].message]


def _settled(
    window: Window, limit: int, tokenizer: ChatTokenizer, texts: Mapping[int, str]
) -> Window:
    """The window with room in it, and what was done for that noted in it."""
    done = diffuse(window, limit, tokenizer, rewritten=texts, slack=SLACK)
    return replace(done.window, changes=done.changes)


async def _worded_anew(
    window: Window, limit: int, client: EngineClient, tokenizer: ChatTokenizer
) -> dict[int, str]:
    """What the base model says in the place of some blocks, all asked at once.

    Raises: as `plan`.
    """

    async def ask(block: int, budget: int) -> str:
        sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=budget)
        try:
            sample = await asides.ask(order(window, block, budget), sampling, client, tokenizer)
        except InferenceError as error:
            logger.warning("a block was not worded anew: %s", error.code)
            return ""
        is_whole = sample.finish_reason == FinishReason.STOP
        return sample.text if is_whole else whole_sentences(sample.text)

    budgets = await asyncio.to_thread(plan, window, limit, tokenizer, slack=SLACK)
    texts = await asyncio.gather(*(ask(block, budget) for block, budget in budgets.items()))
    return dict(zip(budgets, texts, strict=True))
