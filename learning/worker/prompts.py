"""Prompts out of the log: token ids, or with them the chat that they stand for: its pictures, its
tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.conf import settings

from inference.contracts import Chat, ChatMessage, ToolSpec
from inference.diffusion.window import USER
from inference.storage import Storage
from inference.tokenizer import ChatTokenizer
from learning.errors import PicturesMissing
from learning.models import Answer
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import TokenIds


def prompt_of(answer: Answer) -> TokenIds:
    """What an answer was sampled from, which is its last step's prompt where it was made in steps.

    Raises:
        PicturesMissing: a picture's file is gone.
    """
    ids = tuple(answer.prompt_token_ids)
    return SeenPrompt(ids, chat_of(answer.chat)) if answer.chat else ids


def readable(answers: Iterable[Answer]) -> Iterator[tuple[Answer, TokenIds]]:
    """Answers with their prompts, without those whose pictures are gone: they are being deleted."""
    for answer in answers:
        with suppress(PicturesMissing):
            yield answer, prompt_of(answer)


def opening_of(answer: Answer, tokenizer: ChatTokenizer) -> TokenIds:
    """The same before its first step: up to what the person said.

    Raises: as `prompt_of`.
    """
    prompt = prompt_of(answer)
    if not isinstance(prompt, SeenPrompt) or prompt.chat.messages[-1].role == USER:
        return prompt
    messages = list(prompt.chat.messages)
    while messages and messages[-1].role != USER:
        messages.pop()
    chat = replace(prompt.chat, messages=tuple(messages))
    return SeenPrompt(tokenizer.prompt_ids(messages, chat.tools, chat.template), chat)


def chat_of(said: dict[str, Any]) -> Chat:
    """A logged chat with its pictures' bytes. Raises PicturesMissing."""
    return Chat(
        tuple(ChatMessage.from_json(message) for message in said["messages"]),
        pictures={
            digest: (_content(each["address"]), each["media_type"])
            for digest, each in said["pictures"].items()
        },
        tools=tuple(ToolSpec(**tool) for tool in said["tools"]),
        template=said["template"],
    )


def _content(address: str) -> bytes:
    storage = Storage(settings.FILES, settings.HOME.cache / "files", settings.STORAGE_OPTIONS)
    found = storage.read(address)
    if found is None:
        raise PicturesMissing("A picture is not there any more.")
    return found
