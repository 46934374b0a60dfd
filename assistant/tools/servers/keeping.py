"""Programs that are kept for the next call: starting one can take longer than what it does.

Each is one person's alone, since a program may remember what it was asked. It ends a minute after
its last call, at once when a call fails or is broken off, and with the process that keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID
from weakref import WeakKeyDictionary

from assistant.models import ToolServer
from assistant.tools.errors import ToolFailed
from assistant.tools.servers import sessions
from assistant.tools.servers.sessions import Session

IDLE_S = 60.0
MOST_KEPT = 32

# What makes it another program: it is then started anew.
Key = tuple[UUID, int, tuple[str, ...], str, bool]


class Kept:
    """A session that a task of its own holds open, since who opens one has to close it."""

    def __init__(self, server: ToolServer) -> None:
        self.users = 0
        self._closing = asyncio.Event()
        self._idle: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        self._session: asyncio.Future[Session] = loop.create_future()
        self._task = loop.create_task(self._hold(server))

    @property
    def is_usable(self) -> bool:
        """Not where it is being closed, could not be opened, or its program ended by itself."""
        if self._closing.is_set() or self._task.done():
            return False
        return not self._session.done() or self._session.result().fate.failure is None

    async def use(self) -> Session:
        """
        Raises:
            ToolFailed: it can't be opened.
        """
        return await asyncio.shield(self._session)

    async def close(self) -> None:
        self._closing.set()
        if not self._session.done():
            self._task.cancel()
        await asyncio.wait([self._task])

    def enter(self) -> None:
        self.users += 1
        if self._idle is not None:
            self._idle.cancel()

    def leave(self) -> None:
        self.users -= 1
        if not self.users:
            self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._closing.set)

    async def _hold(self, server: ToolServer) -> None:
        try:
            async with sessions.opened(server) as session:
                self._session.set_result(session)
                await self._closing.wait()
        except ToolFailed as error:
            # One that fails only when it is closed was of use until then.
            if not self._session.done():
                self._session.set_exception(error)
        finally:
            self._closing.set()
            if not self._session.done():
                self._session.cancel()


_kept: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, Kept]] = WeakKeyDictionary()


@asynccontextmanager
async def session(server: ToolServer, person: int) -> AsyncIterator[Session]:
    """A session with a server for this person: for a program one that is kept, if there is room.

    Raises:
        ToolFailed: it can't be opened.
    """
    kept = _find(server, person)
    if kept is None:
        async with sessions.opened(server) as passing:
            yield passing
        return
    kept.enter()
    try:
        yield await kept.use()
    except BaseException:
        # Whatever it was: a program that did not do what was wanted gets no second call.
        with suppress(asyncio.CancelledError):
            await kept.close()
        raise
    finally:
        kept.leave()


async def close_all() -> None:
    """End every program that this loop keeps."""
    mine = _kept.get(asyncio.get_running_loop(), {})
    await asyncio.gather(*(kept.close() for kept in mine.values()))


def _find(server: ToolServer, person: int) -> Kept | None:
    if server.transport != ToolServer.Transport.STDIO:
        return None
    mine = _kept.setdefault(asyncio.get_running_loop(), {})
    for gone in [key for key, kept in mine.items() if not kept.is_usable]:
        del mine[gone]
    key = _key(server, person)
    if key not in mine and len(mine) >= MOST_KEPT:
        return None
    return mine.setdefault(key, mine.get(key) or Kept(server))


def _key(server: ToolServer, person: int) -> Key:
    return server.pk, person, tuple(server.command), server.sealed, server.may_use_network
