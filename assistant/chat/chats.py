"""What an answer is asked with besides its dialogue: tools, a form, and whether pictures are seen.

An answer of a text-only policy without any of these is sent to the engine as token ids; every other
one as a chat, which the engine puts into tokens with the model's own processor and parsers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from assistant import files
from assistant.abilities import of_model
from assistant.models import Generation, Image
from assistant.tools import offers
from inference.contracts import Chat, ChatMessage, ToolSpec
from inference.diffusion.prompt import SYSTEM
from inference.tokenizer import ChatTokenizer


@dataclass(frozen=True, slots=True)
class Asked:
    """See `Generation.asked`; `is_chat` says that the engine has to put it into tokens."""

    tools: tuple[ToolSpec, ...]
    tool_choice: str | dict[str, Any]
    response_format: dict[str, Any] | None
    template: Mapping[str, Any]
    is_chat: bool

    def tokens(self, tokenizer: ChatTokenizer) -> int:
        """What the tools take of the prompt."""
        if not self.tools:
            return 0
        bare = [ChatMessage(SYSTEM, "a")]
        with_tools = tokenizer.prompt_ids(bare, self.tools, self.template)
        return len(with_tools) - len(tokenizer.prompt_ids(bare))

    def chat(self, shown: Sequence[ChatMessage], tokenizer: ChatTokenizer) -> Chat:
        return Chat(
            tuple(tokenizer.harmless(message) for message in shown),
            pictures=pictures(shown),
            tools=tuple(tokenizer.harmless_tool(tool) for tool in self.tools),
            tool_choice=self.tool_choice,
            response_format=self.response_format,
            template=self.template,
        )


def asked(generation: Generation) -> Asked:
    """What `generation` was asked with, as far as the model can do it."""
    can, given = of_model(), generation.asked
    tools: tuple[ToolSpec, ...] = ()
    if can.tools and given.get("uses_tools"):
        conversation = generation.message.conversation
        tools = tuple(each.spec for each in offers.offered(conversation.owner, conversation))
    elif can.tools:
        tools = tuple(ToolSpec(**tool) for tool in given.get("tools", ()))
    form = given.get("response_format")
    return Asked(
        tools,
        given.get("tool_choice", "auto"),
        form,
        {**can.template, **given.get("template", {})},
        is_chat=can.is_chat or form is not None,
    )


def to_json(chat: Chat) -> dict[str, Any]:
    """What was asked with a dialogue, for the record."""
    return {"tools": [asdict(tool) for tool in chat.tools], "template": dict(chat.template)}


def pictures(shown: Sequence[ChatMessage]) -> dict[str, tuple[bytes, str]]:
    """The bytes of the pictures in these messages, by digest."""
    wanted = {image.digest: UUID(image.id) for message in shown for image in message.images}
    rows = Image.objects.filter(pk__in=wanted.values()) if wanted else ()
    return {row.sha256: (files.content(row.address), row.media_type) for row in rows}
