"""Prompts with pictures. Light: token ids and the chat that they came from, no tensors.

A prompt with pictures is a tuple of ids like any other, to whoever only counts, compares or stores
tokens. Whoever computes with the model, or asks the engine, also looks at its chat. Two such
prompts are equal when their ids and their pictures are: the ids alone say nothing but how large a
picture is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inference.contracts import Chat
from learning.policy.trainer import TokenIds

Digests = tuple[str, ...]


class SeenPrompt(tuple[int, ...]):
    """`ids` are the engine's or the processor's own, a token in them for each patch of a picture;
    `chat` holds the pictures' bytes, in the order of its messages."""

    chat: Chat

    def __new__(cls, ids: Iterable[int], chat: Chat) -> SeenPrompt:
        made = super().__new__(cls, ids)
        made.chat = chat
        return made

    @property
    def digests(self) -> Digests:
        return tuple(image.digest for message in self.chat.messages for image in message.images)

    @property
    def pictures(self) -> tuple[bytes, ...]:
        """One for each time that a picture is shown."""
        return tuple(self.chat.pictures[digest][0] for digest in self.digests)

    def followed_by(self, ids: Iterable[int]) -> SeenPrompt:
        """This prompt and text after it, to be computed with. An engine cannot be asked for it:
        the chat is still that of the beginning."""
        return SeenPrompt((*self, *ids), self.chat)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SeenPrompt):
            return False
        return tuple(self) == tuple(other) and self.digests == other.digests

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((tuple(self), self.digests))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self.chat


def continued(prompt: TokenIds, ids: Iterable[int]) -> TokenIds:
    """A prompt and what comes after it; its pictures stay with it."""
    if isinstance(prompt, SeenPrompt):
        return prompt.followed_by(ids)
    return (*prompt, *ids)
