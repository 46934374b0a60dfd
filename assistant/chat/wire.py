"""What travels over `/ws/chat/`: commands from the browser, notices to it.

`frontend/src/api/schema.d.ts` is generated from these classes (`make types`), so a change here
shows up as a type error there. Ids are UUIDs as text; the client chooses those of the messages it
sends and of the answers it asks for, which makes every command safe to send twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from assistant.texts import Text


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# ── parts of a message ──────────────────────────────────────────────────────────────────────────


class TextPart(Wire):
    type: Literal["text"] = "text"
    text: Text


class ImagePart(Wire):
    """`image` is the id of an uploaded image."""

    type: Literal["image"] = "image"
    image: UUID


class ReasoningPart(Wire):
    """What was thought before an answer, and for how long."""

    type: Literal["reasoning"] = "reasoning"
    text: str
    ms: float


class ToolPart(Wire):
    """A tool call as the event `tool` tells of it, when the answer had ended."""

    type: Literal["tool"] = "tool"
    id: str
    name: str
    arguments: Any
    state: str
    result: str | None = None
    ms: float | None = None


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]
# An answer may have more in it than a person can send.
AnswerPart = Annotated[TextPart | ImagePart | ReasoningPart | ToolPart, Field(discriminator="type")]


# ── what a page shows ───────────────────────────────────────────────────────────────────────────


class FeedbackOut(Wire):
    id: UUID
    kind: Literal["up", "down", "correction", "preference", "comment"]
    text: str = ""
    over: UUID | None = None
    tags: list[str] = []
    reward_version: int | None = None


class AnswerState(Wire):
    """How the making of an answer stands.

    `last_seq` events are in its log; one that is finished and has none is the copy of an answer in
    another conversation, and can't be judged.

    `can_retry` is true when it failed or was interrupted in a way that asking again may mend;
    `left_out` counts what of memory it was asked to do without.
    """

    status: Literal["queued", "running", "done", "stopped", "failed", "interrupted"]
    last_seq: int
    model: str
    policy: str
    error_code: str = ""
    can_retry: bool = False
    left_out: int = 0


class MessageOut(Wire):
    """`answer` is null for what a person wrote; `feedback` holds only the reader's own."""

    id: UUID
    conversation: UUID
    parent: UUID | None
    role: Literal["user", "assistant", "system"]
    parts: list[AnswerPart]
    created_at: datetime
    answer: AnswerState | None = None
    feedback: list[FeedbackOut] = []


class ConversationOut(Wire):
    id: UUID
    title: str
    is_pinned: bool = False
    is_archived: bool = False
    is_temporary: bool = False
    uses_memory: bool = True
    folder: UUID | None = None
    created_at: datetime
    updated_at: datetime


# ── browser → server ────────────────────────────────────────────────────────────────────────────


class Send(Wire):
    """Say something.

    `conversation` is chosen by the client (an unknown UUID begins one); `parent` is the message
    that this one follows, null for the first; `message` and `answer` are new UUIDs for what is
    said and for the answer to it. `is_temporary` counts when it begins a conversation: that one is
    neither listed nor searched, learned from nor exported, and goes by itself after a while.
    """

    type: Literal["send"] = "send"
    request: str = Field(max_length=64)
    conversation: UUID
    parent: UUID | None
    message: UUID
    answer: UUID
    parts: list[Part]
    model: str = "danas"
    is_temporary: bool = False


class Without(Wire):
    """What of memory an answer is to do without: ids of blocks in its window, and of notes."""

    blocks: list[int] = Field([], max_length=200)
    notes: list[UUID] = Field([], max_length=200)


class Regenerate(Wire):
    """Ask for another answer to the user message `parent`; also the way to retry.

    With `memory` false the policy sees that message and nothing of what was said before it;
    `without` leaves out single things, for this answer alone.
    """

    type: Literal["regenerate"] = "regenerate"
    request: str = Field(max_length=64)
    parent: UUID
    answer: UUID
    model: str = "danas"
    memory: bool = True
    without: Without = Without()


class Stop(Wire):
    type: Literal["stop"] = "stop"
    request: str = Field(max_length=64)
    answer: UUID


class Watch(Wire):
    """Hear of new turns in a conversation, whichever tab or device starts them."""

    type: Literal["watch"] = "watch"
    request: str = Field(max_length=64)
    conversation: UUID


class Replay(Wire):
    """Send the events of `answer` after `after` (0: all), and go on with it while it is made."""

    type: Literal["replay"] = "replay"
    request: str = Field(max_length=64)
    answer: UUID
    after: int = Field(ge=0)


Command = Annotated[Send | Regenerate | Stop | Watch | Replay, Field(discriminator="type")]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


# ── server → browser ────────────────────────────────────────────────────────────────────────────


class Accepted(Wire):
    """The command was carried out and is durable."""

    type: Literal["accepted"] = "accepted"
    request: str


class Turn(Wire):
    """A turn has begun in a watched conversation: its messages (user's, then the answer to come).

    The server starts sending the answer's events at once, without being asked to.
    """

    type: Literal["turn"] = "turn"
    conversation: ConversationOut
    messages: list[MessageOut]


class Event(Wire):
    """One entry of an answer's log. Sequence numbers start at 1 and have no gaps.

    kind    data
    start   {"policy": str, "window_tokens": int, "window_limit": int}
    text    {"text": str}
    usage   {"prompt_tokens": int, "completion_tokens": int,
             "first_token_ms": float | None, "total_ms": float}
    done    {"finish_reason": "stop" | "length" | "tool_calls"}
    stopped {}
    error   {"code": str, "message": str, "can_retry": bool}
    reasoning {"text": str, "ms": float}: a piece of thought and how long it took
    tool      {"id": str, "name": str, "arguments": {…}, "state": str, "result": str | None,
               "ms": float | None}: a call, and again with the same id when its state is another:
              asked, allowed, running, done, failed, refused, expired; "yours" where the caller of
              the API is to run it. Arguments that are no JSON are text.

    `done`, `stopped` and `error` are last. `memory` is reserved.
    """

    type: Literal["event"] = "event"
    answer: UUID
    seq: int
    kind: Literal[
        "start", "reasoning", "text", "tool", "memory", "usage", "done", "error", "stopped"
    ]
    data: dict[str, Any]


class Changed(Wire):
    """Conversations of the list have another title or place, or are back; sent to every tab."""

    type: Literal["changed"] = "changed"
    conversations: list[ConversationOut]


class Gone(Wire):
    """Conversations were deleted; sent to every tab."""

    type: Literal["gone"] = "gone"
    conversations: list[UUID]


class Rearranged(Wire):
    """Folders were made, renamed or deleted; read them anew."""

    type: Literal["rearranged"] = "rearranged"


class Removed(Wire):
    """A message was deleted, with what follows it; sent to every tab."""

    type: Literal["removed"] = "removed"
    conversation: UUID
    message: UUID


class Restored(Wire):
    """A deleted message is back, with what was deleted together with it; sent to every tab."""

    type: Literal["restored"] = "restored"
    conversation: UUID
    message: UUID


class MemoryChanged(Wire):
    """The profile was changed, or with a `conversation` its memory; sent to every tab."""

    type: Literal["memory_changed"] = "memory_changed"
    conversation: UUID | None


class ReminderOut(Wire):
    """Something to be told at `due_at`; `fired_at` is null until then. `conversation` is where it
    was set, null where that was not in a conversation or it is gone."""

    id: UUID
    text: str
    due_at: datetime
    fired_at: datetime | None
    conversation: UUID | None


class Reminded(Wire):
    """All reminders of this person: those that were told and not put away, the earliest first, and
    those to come. Sent to every tab when one is due, set or put away."""

    type: Literal["reminded"] = "reminded"
    reminders: list[ReminderOut]


class Refused(Wire):
    """The command was not carried out; nothing was changed.

    `retry_after_s` is how many seconds to wait where a limit was reached.
    """

    type: Literal["refused"] = "refused"
    request: str
    code: str
    message: str
    can_retry: bool = False
    retry_after_s: int | None = None


Notice = Annotated[
    Accepted
    | Turn
    | Event
    | Refused
    | Changed
    | Gone
    | Rearranged
    | Removed
    | Restored
    | MemoryChanged
    | Reminded,
    Field(discriminator="type"),
]
