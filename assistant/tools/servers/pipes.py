"""A server that is a program: started, spoken with over its pipes, and ended with all it started.

In place of mcp's own transport, which reads a line however long it is and waits for a program that
does not want to end. Lines are JSON-RPC messages; whatever else a program prints is skipped.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from assistant.tools.errors import ServerFlooded, ServerGone, ServerUnreachable, ToolFailed

LONGEST_LINE_BYTES = 1 << 20
MOST_BYTES = 8 << 20
LAST_WORDS_BYTES = 2_000
# Between closing its input, which asks a program to end, and killing it.
GRACE_S = 0.5
END_S = 2.0

Incoming = SessionMessage | Exception


@dataclass
class Fate:
    """What became of a program, for a better sentence than that the connection closed.

    `received` are the bytes that it sent since it was last asked something.
    """

    failure: ToolFailed | None = None
    last_words: bytes = b""
    received: int = 0


@asynccontextmanager
async def program(
    command: Sequence[str], environment: Mapping[str, str], folder: str, fate: Fate
) -> AsyncIterator[
    tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]
]:
    """Start a program; it is gone when this is left, however that happens.

    Raises:
        ServerUnreachable: it can't be started.
    """
    process = await _started(command, environment, folder)
    to_us, incoming = anyio.create_memory_object_stream[Incoming](0)
    outgoing, to_it = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, process, to_us, fate)
            tasks.start_soon(_write, process, to_it, to_us)
            heard_out = anyio.Event()
            tasks.start_soon(_listen_to_errors, process, fate, heard_out)
            try:
                yield incoming, outgoing
            finally:
                if isinstance(fate.failure, ServerGone):
                    with anyio.move_on_after(GRACE_S):
                        await heard_out.wait()
                tasks.cancel_scope.cancel()
    finally:
        for stream in (to_us, incoming, outgoing, to_it):
            stream.close()
        await _end(process)


async def _started(command: Sequence[str], environment: Mapping[str, str], folder: str) -> Process:
    try:
        return await anyio.open_process(
            list(command),
            env={**get_default_environment(), **environment},
            cwd=folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ServerUnreachable(f"The program {command[-1]!r} can't be started.") from error


async def _read(process: Process, to_us: MemoryObjectSendStream[Incoming], fate: Fate) -> None:
    assert process.stdout is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with to_us:
            try:
                async for line in _lines(process.stdout, fate):
                    if (message := _message(line)) is not None:
                        await to_us.send(message)
                fate.failure = ServerGone("The server's program ended.")
            except ServerFlooded as error:
                fate.failure = error


async def _lines(stream: ByteReceiveStream, fate: Fate) -> AsyncIterator[bytes]:
    """
    Raises:
        ServerFlooded
    """
    rest = b""
    async for chunk in stream:
        fate.received += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        if fate.received > MOST_BYTES or max(map(len, [*lines, rest])) > LONGEST_LINE_BYTES:
            raise ServerFlooded("The server sent more than is taken, so it was stopped.")
        for line in lines:
            yield line


def _message(line: bytes) -> SessionMessage | None:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError:
        return None


async def _write(
    process: Process,
    to_it: MemoryObjectReceiveStream[SessionMessage],
    to_us: MemoryObjectSendStream[Incoming],
) -> None:
    assert process.stdin is not None
    try:
        async for sent in to_it:
            line = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            await process.stdin.send(line.encode() + b"\n")
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        # It reads no more: who waits for its answer is to hear that.
        to_us.close()


async def _listen_to_errors(process: Process, fate: Fate, heard_out: anyio.Event) -> None:
    """Keep the end of what it complains of; a pipe that nobody reads would stop it."""
    assert process.stderr is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for chunk in process.stderr:
            fate.last_words = (fate.last_words + chunk)[-LAST_WORDS_BYTES:]
    heard_out.set()


async def _end(process: Process) -> None:
    """Ask it to end by closing its input, then kill it and what it started."""
    try:
        with anyio.CancelScope(shield=True):
            assert process.stdin is not None
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                await process.stdin.aclose()
            with anyio.move_on_after(GRACE_S):
                await process.wait()
    finally:
        # Also where the wait itself was cancelled, which a shield does not keep out everywhere.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with anyio.move_on_after(END_S, shield=True):
        await process.aclose()
