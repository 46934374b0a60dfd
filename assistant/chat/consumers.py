"""The socket of the web UI: carries commands to `turns` and events from `events`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from pydantic import ValidationError

from assistant import heartbeat, logs, rates
from assistant.accounts.sessions import get_user, name_of
from assistant.accounts.sessions import group_of as group_of_person
from assistant.chat import events, sockets, turns, views_of
from assistant.chat.wire import (
    COMMAND,
    Accepted,
    Changed,
    Command,
    Event,
    Gone,
    MemoryChanged,
    Rearranged,
    Refused,
    Regenerate,
    Reminded,
    Removed,
    Replay,
    Restored,
    Send,
    Stop,
    Watch,
    Wire,
)
from assistant.errors import AssistantError, NotFound
from assistant.models import Conversation, Generation, Message, User
from assistant.models.conversation import owned_by
from inference.errors import InferenceError

SIGNED_OUT = 4401
TOO_MANY = 4429
OVERSIZE = 1009
# Answers that one socket follows at the same time; a page shows far fewer.
MOST_FOLLOWED = 32
# Of the page: whoever asks there can be asked whether a tool may be used.
WITH_TOOLS = {"uses_tools": True}


def group_of(conversation: UUID) -> str:
    """The channel-layer group of everyone who has this conversation open."""
    return f"conversation.{conversation.hex}"


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """One browser tab. It holds nothing that the tab could not get again by connecting anew."""

    async def connect(self) -> None:
        self._following: dict[UUID, asyncio.Task[None]] = {}
        self._watching: set[UUID] = set()
        self._counted: int | None = None
        await self.accept()
        person = self.scope["user"]
        if not person.is_authenticated:
            await self.close(code=SIGNED_OUT)
        elif not sockets.admit(person.pk):
            await self.close(code=TOO_MANY)
        else:
            self._counted = person.pk
            await self.channel_layer.group_add(group_of_person(person.pk), self.channel_name)
            heartbeat.beat_as_web()

    async def session_ended(self, message: dict[str, Any]) -> None:
        """Sessions of this person were ended elsewhere; this one may be among them."""
        session = self.scope.get("session")
        if session is not None and name_of(session.session_key or "") in message["sessions"]:
            await self.close(code=SIGNED_OUT)

    async def disconnect(self, code: int) -> None:
        if self._counted is not None:
            sockets.leave(self._counted)
            await self.channel_layer.group_discard(
                group_of_person(self._counted), self.channel_name
            )
        for task in self._following.values():
            task.cancel()
        for conversation in self._watching:
            await self.channel_layer.group_discard(group_of(conversation), self.channel_name)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        if self._counted is None:
            # Refused; what was under way before it knew is not for us.
            return
        if len(text_data or bytes_data or "") > sockets.longest_frame():
            await self.close(code=OVERSIZE)
            return
        try:
            command = COMMAND.validate_json(text_data or "")
        except ValidationError as error:
            await self._tell(_malformed(error))
            return
        # The session may have ended since the socket was opened.
        person = await get_user(self.scope)
        if not person.is_authenticated:
            await self.close(code=SIGNED_OUT)
            return
        try:
            with logs.bound(request_id=logs.request_id(command.request)):
                await self._carry_out(person, command)
        except (AssistantError, InferenceError) as error:
            await self._tell(
                Refused(
                    request=command.request,
                    code=error.code,
                    message=str(error),
                    can_retry=error.can_retry,
                    retry_after_s=getattr(error, "retry_after_s", None),
                )
            )
        else:
            await self._tell(Accepted(request=command.request))

    async def _carry_out(self, person: User, command: Command) -> None:
        match command:
            case Send():
                await self._send(person, command)
            case Regenerate():
                await self._regenerate(person, command)
            case Stop():
                await database_sync_to_async(turns.stop)(person, answer=command.answer)
            case Watch():
                await self._watch(person, command.conversation)
            case Replay():
                await self._replay(person, command)

    async def _send(self, person: User, command: Send) -> None:
        await self._count(person)
        await database_sync_to_async(turns.send)(
            person,
            conversation=command.conversation,
            parent=command.parent,
            message=command.message,
            answer=command.answer,
            parts=command.parts,
            model=command.model,
            is_temporary=command.is_temporary,
            asked=WITH_TOOLS,
        )
        await self._announce(person, command.conversation, [command.message, command.answer])

    async def _regenerate(self, person: User, command: Regenerate) -> None:
        await self._count(person)
        generation = await database_sync_to_async(turns.regenerate)(
            person,
            parent=command.parent,
            answer=command.answer,
            model=command.model,
            with_memory=command.memory,
            without=command.without,
            asked=WITH_TOOLS,
        )
        conversation = generation.message.conversation_id
        await self._announce(person, conversation, [command.answer])

    async def _count(self, person: User) -> None:
        """Raises RateExceeded when there were too many messages of late."""
        address, _ = self.scope.get("client") or ("", 0)
        await asyncio.to_thread(rates.spend, rates.Kind.MESSAGES, person.pk, address)

    async def _announce(self, person: User, conversation: UUID, messages: list[UUID]) -> None:
        """Tell every tab that has the conversation open, this one included."""
        await self._watch(person, conversation)
        await self.channel_layer.group_send(
            group_of(conversation),
            {
                "type": "turn.begun",
                "conversation": str(conversation),
                "messages": [str(message) for message in messages],
            },
        )

    async def turn_begun(self, message: dict[str, Any]) -> None:
        """A turn began in a watched conversation: show it and follow its answer."""
        person = await get_user(self.scope)
        if not person.is_authenticated:
            return
        ids = [UUID(pk) for pk in message["messages"]]
        turn = await database_sync_to_async(views_of.turn)(
            person, UUID(message["conversation"]), ids
        )
        if turn is None:
            return
        await self._tell(turn)
        for shown in turn.messages:
            if shown.role == Message.Author.ASSISTANT:
                self._follow(shown.id, after=0)

    async def library_changed(self, message: dict[str, Any]) -> None:
        """Conversations of this person have another title or place."""
        person = await get_user(self.scope)
        if person.is_authenticated:
            ids = [UUID(pk) for pk in message["conversations"]]
            rows = await database_sync_to_async(views_of.conversations_out)(person, ids)
            await self._tell(Changed(conversations=rows))

    async def library_gone(self, message: dict[str, Any]) -> None:
        await self._tell(Gone(conversations=message["conversations"]))

    async def library_rearranged(self, message: dict[str, Any]) -> None:
        await self._tell(Rearranged())

    async def message_removed(self, message: dict[str, Any]) -> None:
        await self._tell(Removed(conversation=message["conversation"], message=message["message"]))

    async def message_restored(self, message: dict[str, Any]) -> None:
        await self._tell(Restored(conversation=message["conversation"], message=message["message"]))

    async def memory_changed(self, message: dict[str, Any]) -> None:
        await self._tell(MemoryChanged(conversation=message["conversation"]))

    async def reminders_changed(self, message: dict[str, Any]) -> None:
        person = await get_user(self.scope)
        if person.is_authenticated:
            rows = await database_sync_to_async(views_of.reminders_out)(person)
            await self._tell(Reminded(reminders=rows))

    async def _watch(self, person: User, conversation: UUID) -> None:
        if conversation in self._watching:
            return
        mine = Conversation.objects.filter(pk=conversation, owner=person)
        if not await mine.aexists():
            raise NotFound("There is no such conversation.")
        self._watching.add(conversation)
        await self.channel_layer.group_add(group_of(conversation), self.channel_name)

    async def _replay(self, person: User, command: Replay) -> None:
        mine = Generation.objects.filter(
            owned_by(person, "message__conversation"), pk=command.answer
        )
        if not await mine.aexists():
            raise NotFound("There is no such answer.")
        self._follow(command.answer, command.after)

    def _follow(self, answer: UUID, after: int) -> None:
        if answer in self._following or len(self._following) >= MOST_FOLLOWED:
            return
        task = asyncio.create_task(self._carry_events(answer, after))
        self._following[answer] = task
        task.add_done_callback(lambda _: self._following.pop(answer, None))

    async def _carry_events(self, answer: UUID, after: int) -> None:
        async with aclosing(events.follow(answer, after)) as log:
            async for entry in log:
                await self._tell(
                    Event(answer=answer, seq=entry.seq, kind=entry.kind, data=entry.data)
                )

    async def _tell(self, notice: Wire) -> None:
        await self.send(text_data=notice.model_dump_json())


def _malformed(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"]) or "command"
    return Refused(request="", code="malformed_message", message=f"{where}: {first['msg']}")
