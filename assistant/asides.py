"""What the base model is asked on the side, for Danas's own use: a title, a sentence said anew,
what a picture shows. None of it is part of a conversation, and none of it is logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.abilities import of_model
from inference.client import EngineClient
from inference.contracts import BASE, Chat, ChatMessage, Sample, Sampling
from inference.tokenizer import ChatTokenizer

# For a model that can't be told not to think.
THOUGHT_TOKENS = 1024
NO_PICTURES: Mapping[str, tuple[bytes, str]] = {}


async def ask(
    messages: Sequence[ChatMessage],
    sampling: Sampling,
    client: EngineClient,
    tokenizer: ChatTokenizer,
    pictures: Mapping[str, tuple[bytes, str]] = NO_PICTURES,
) -> Sample:
    """One answer, without thinking where the model can be told so; its text is the answer alone.

    Raises: as `EngineClient.sample`.
    """
    can = of_model()
    if not can.is_chat:
        [sample] = await client.sample(tokenizer.prompt_ids(messages), sampling, BASE)
        return sample
    template = dict.fromkeys(can.template, False) if can.can_switch_reasoning else can.template
    if can.reasons and not can.can_switch_reasoning:
        sampling = replace(sampling, max_tokens=sampling.max_tokens + THOUGHT_TOKENS)
    chat = Chat(tuple(map(tokenizer.harmless, messages)), pictures, template=template)
    _, [sample] = await client.sample_chat(chat, sampling, BASE)
    return sample
