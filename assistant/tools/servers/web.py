"""A server at an address: its HTTP client, which takes only so much from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx2

from assistant.tools.errors import ServerFlooded

MOST_BYTES = 8 << 20


class _Flood(httpx2.ReadError):
    """As the library's own errors are, since it hands on only those."""


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, counter: Counter) -> None:
        self._stream, self._counter = stream, counter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._counter.add(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class Counter(httpx2.AsyncBaseTransport):
    """Counts what comes in since something was last asked, and ends it at `MOST_BYTES`."""

    def __init__(self) -> None:
        self._inner = httpx2.AsyncHTTPTransport()
        self.received = 0
        self.failure: ServerFlooded | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream, self)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def add(self, count: int) -> None:
        self.received += count
        if self.received > MOST_BYTES:
            self.failure = ServerFlooded("The server sent more than is taken.")
            raise _Flood("more than is taken")


def client(headers: Mapping[str, str], timeout_s: float, counter: Counter) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers=dict(headers), timeout=timeout_s, transport=counter)
