"""Words for the pictures in a window, which stay when a picture has to make room."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from channels.db import database_sync_to_async

from assistant import asides
from assistant.chat import chats
from inference.client import EngineClient
from inference.contracts import ChatMessage, Sampling
from inference.diffusion import Block, Kind, Window
from inference.diffusion.admit import PICTURE
from inference.diffusion.window import USER
from inference.errors import InferenceError
from inference.tokenizer import ChatTokenizer

logger = logging.getLogger(__name__)
QUESTION = "Say in one short sentence what this picture shows."
SAMPLING = Sampling(temperature=0.0, top_p=1.0, max_tokens=24)


async def described(window: Window, client: EngineClient, tokenizer: ChatTokenizer) -> Window:
    """The window with a caption for each picture that has none, all asked at once."""

    async def caption(block: Block) -> str:
        assert block.image is not None
        asked = ChatMessage(USER, QUESTION, (block.image,))
        pictures = await database_sync_to_async(chats.pictures)([asked])
        if not pictures:
            return PICTURE
        try:
            sample = await asides.ask([asked], SAMPLING, client, tokenizer, pictures)
        except InferenceError as error:
            logger.warning("a picture was not described: %s", error.code)
            return PICTURE
        return " ".join(sample.text.split()) or PICTURE

    bare = [block for block in window.blocks if block.kind == Kind.IMAGE and block.text == PICTURE]
    if not bare:
        return window
    texts = await asyncio.gather(*map(caption, bare))
    by_id = {block.id: text for block, text in zip(bare, texts, strict=True)}
    blocks = tuple(replace(block, text=by_id.get(block.id, block.text)) for block in window.blocks)
    return replace(window, blocks=blocks)
