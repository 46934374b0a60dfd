"""Has the engine read what the next prompt begins with, before anybody waits for it.

A memory that was changed anywhere but at its end has to be read anew. Done at once, the engine has
it in its prefix cache when the person goes on, and reads no more than what they say.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from uuid import UUID

from channels.db import database_sync_to_async

from assistant.chat import chats
from assistant.memory import profile
from assistant.models import Message
from assistant.models import Window as WindowRow
from inference import registry, routing
from inference.client import EngineClient
from inference.contracts import Policy, Sampling
from inference.diffusion import Kind, beginning, from_json
from inference.errors import InferenceError
from inference.tokenizer import ChatTokenizer

logger = logging.getLogger(__name__)

# The engine can't be asked for none.
ONE_TOKEN = Sampling(temperature=0.0, top_p=1.0, max_tokens=1)


async def read(answer: UUID, client: EngineClient, tokenizer: ChatTokenizer) -> None:
    """Have the memory that goes on from `answer` read, by the policy that will answer next.

    Where the next has been asked already, its own prompt is read and nothing is done here.
    """
    try:
        awaited = await database_sync_to_async(_awaited)(answer, tokenizer)
        if awaited is not None:
            prompt, policy = awaited
            await client.sample(prompt, ONE_TOKEN, policy)
    except InferenceError as error:
        logger.info("nothing was read ahead after %s: %s", answer, error.code)


def _awaited(answer: UUID, tokenizer: ChatTokenizer) -> tuple[list[int], Policy] | None:
    """What the next prompt begins with, if it has the tools of this one, and who answers it.

    None where somebody said something by now, or where there are pictures, which are no tokens.

    Raises: as `routing.route`.
    """
    rows = WindowRow.objects.filter(message=answer)
    row = rows.select_related("message__generation", "message__conversation__owner").first()
    if row is None or Message.objects.filter(parent=answer).exists():
        return None
    window, conversation = from_json(row.blocks), row.message.conversation
    if any(block.kind == Kind.IMAGE for block in window.blocks):
        return None
    notes = tuple(note.text for note in profile.read_in(conversation))
    asked = chats.asked(row.message.generation)
    prompt_ids = partial(tokenizer.prompt_ids, tools=asked.tools, template=asked.template)
    route = routing.route(conversation.owner_id, row.message.generation.model)
    prompt = beginning(replace(window, notes=notes), prompt_ids)
    return prompt, registry.as_policy(route.version)
