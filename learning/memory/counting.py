"""How a window of a dialogue reads, and how many tokens it has.

Two ways of counting, since a budget means little without one: words and punctuation plus four a
turn, which is how published figures on memory can be compared whatever the tokenizer, and the
policy's own tokens with its chat template. Both are `inference.diffusion`'s `Tokenizer`, so the
loop that is measured is the loop that runs. A message's role is here the id of its turn: from it
follow the speaker, and the session, whose day stands before the first of its turns that is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import Protocol

from inference.contracts import ChatMessage
from inference.diffusion.prompt import GAP, SYSTEM
from inference.diffusion.window import ASSISTANT, USER
from inference.tokenizer import ChatTokenizer
from learning.memory.dialogue import Dialogue, Turn

WORD = re.compile(r"\w+|[^\w\s]")
TURN_TOKENS = 4
# The parts of a prompt may have a few tokens more together than apart.
SEAM_TOKENS = 8


class Way(StrEnum):
    WORDS = "words"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Piece:
    """What is left of a turn."""

    turn: Turn
    text: str

    @property
    def is_whole(self) -> bool:
        return self.text == self.turn.shown


class Counting(Protocol):
    """A `Tokenizer` that also knows the size of a window (`size`) and what it is the sum of.

    `bare` is an empty window, `count` a text, `between` what is put before a turn that follows
    another or is the first, `day` a session's day.
    """

    def counts(self, texts: Sequence[str]) -> list[int]: ...
    def spans(self, text: str) -> list[tuple[int, int]]: ...
    def prompt_ids(self, messages: Sequence[ChatMessage]) -> list[int]: ...
    def size(self, pieces: Sequence[Piece]) -> int: ...
    def bare(self) -> int: ...
    def count(self, text: str) -> int: ...
    def between(self, before: Turn | None, turn: Turn) -> int: ...
    def day(self, turn: Turn) -> int: ...


def day_of(turn: Turn) -> str:
    """The day of a turn's session in few words; LoCoMo writes "1:56 pm on 8 May, 2023"."""
    return turn.when.rpartition(" on ")[2].replace(",", "").strip()


class Layout:
    """A dialogue's window as a chat: the first who speaks is the user, the other the assistant."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.turns = {turn.id: turn for turn in dialogue.turns}
        names = list(dict.fromkeys(turn.speaker for turn in dialogue.turns))
        self._roles = {
            name: ASSISTANT if number == 1 else USER for number, name in enumerate(names)
        }
        self.system_text = "You are {1}, talking with {0}.".format(*names, *["somebody"] * 2)

    def role(self, turn: Turn) -> str:
        return self._roles[turn.speaker]

    def pieces(self, messages: Iterable[ChatMessage]) -> list[Piece]:
        """The messages that are of turns, as the loop renders them."""
        return [
            Piece(self.turns[message.role], message.content)
            for message in messages
            if message.role in self.turns
        ]

    def chat(self, pieces: Sequence[Piece], question: str = "") -> list[ChatMessage]:
        """The window as the policy reads it, and a question of the user's at its end."""
        said = [*self._said(pieces), *([ChatMessage(USER, question)] if question else [])]
        spoken = [
            ChatMessage(role, "\n\n".join(message.content for message in messages))
            for role, messages in groupby(said, key=lambda message: message.role)
        ]
        if spoken and spoken[0].role != USER:
            spoken.insert(0, ChatMessage(USER, GAP.strip()))
        return [ChatMessage(SYSTEM, self.system_text), *spoken]

    def _said(self, pieces: Sequence[Piece]) -> Iterator[ChatMessage]:
        session = None
        for piece in pieces:
            is_new, session = piece.turn.session != session, piece.turn.session
            dated = "\n".join(filter(None, [day_of(piece.turn) if is_new else "", piece.text]))
            yield ChatMessage(self.role(piece.turn), dated)


class Words:
    """Words and punctuation, and four a turn for who says it and what separates it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.count = cache(_words)

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [self.count(text) for text in texts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [found.span() for found in WORD.finditer(text)]

    def prompt_ids(self, messages: Sequence[ChatMessage]) -> list[int]:
        """As many zeros as there are tokens: nobody reads them.

        The system text costs nothing here, nor does what speaks for a forgotten beginning.
        """
        others = [
            message.content
            for message in messages
            if message.role not in {*self._layout.turns, SYSTEM} and message.content != GAP.strip()
        ]
        tokens = sum(TURN_TOKENS + self.count(text) for text in others)
        return [0] * (tokens + added(self, None, self._layout.pieces(messages)))

    def size(self, pieces: Sequence[Piece]) -> int:
        return added(self, None, pieces)

    def bare(self) -> int:
        return 0

    def between(self, before: Turn | None, turn: Turn) -> int:
        return TURN_TOKENS

    def day(self, turn: Turn) -> int:
        return self.count(day_of(turn))


class PolicyTokens:
    """The policy's tokens, its template, system text and all.

    Prompts of a dialogue are added up from their parts, each tokenised once, which is many times
    quicker than tokenising all of them again after every turn. `size` does that, for the check.
    """

    def __init__(self, layout: Layout, tokenizer: ChatTokenizer) -> None:
        self._layout, self._tokenizer = layout, tokenizer
        self.count = cache(lambda text: self._tokenizer.counts([text])[0])
        self._bare = self._size([])
        self._headers = {role: self._size([role]) - self._bare for role in (USER, ASSISTANT)}
        # A forgotten beginning is spoken for.
        self._opening = self._headers[USER] + self.count(GAP.strip())
        self._joint = self._inside("\n\n")

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [self.count(text) for text in texts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        return self._tokenizer.spans(text)

    def prompt_ids(self, messages: Sequence[ChatMessage]) -> list[int]:
        """As many zeros as there are tokens: nobody reads them."""
        if messages[0].content != self._layout.system_text:
            # The loop asks with texts of its own what the template costs.
            return self._tokenizer.prompt_ids(messages)
        return [0] * (self.bare() + added(self, None, self._layout.pieces(messages)))

    def size(self, pieces: Sequence[Piece]) -> int:
        return len(self._tokenizer.prompt_ids(self._layout.chat(pieces)))

    def bare(self) -> int:
        return self._bare + SEAM_TOKENS

    def between(self, before: Turn | None, turn: Turn) -> int:
        role = self._layout.role(turn)
        if before is None:
            return self._headers[role] + (0 if role == USER else self._opening)
        return self._joint if self._layout.role(before) == role else self._headers[role]

    def day(self, turn: Turn) -> int:
        return self._inside(day_of(turn) + "\n") if day_of(turn) else 0

    def _inside(self, text: str) -> int:
        """The tokens of a text that stands between two others."""
        return self.count(f".{text}A") - self.count(".") - self.count("A")

    def _size(self, roles: Sequence[str]) -> int:
        """The template with messages that are empty."""
        spoken = [ChatMessage(role, "a") for role in roles]
        messages = [ChatMessage(SYSTEM, self._layout.system_text), *spoken]
        return len(self._tokenizer.prompt_ids(messages)) - len(roles) * self.count("a")


def added(counting: Counting, before: Turn | None, pieces: Sequence[Piece]) -> int:
    """What a window that ends with the turn `before` grows by with these pieces after it."""
    tokens = 0
    for piece in pieces:
        tokens += counting.count(piece.text) + counting.between(before, piece.turn)
        if before is None or before.session != piece.turn.session:
            tokens += counting.day(piece.turn)
        before = piece.turn
    return tokens


def _words(text: str) -> int:
    return sum(1 for _ in WORD.finditer(text))
