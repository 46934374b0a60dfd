"""The outermost middleware: every request gets an id, is counted and timed, and a change is logged.

The id is the client's `X-Request-Id` where that is a clean one. It goes back in the response, into
every line that is logged, and along with the work that the request asks for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from assistant import heartbeat, logs
from assistant.operations.tally import tally

logger = logging.getLogger("assistant.requests")

HEADER = "X-Request-Id"
READING = {"GET", "HEAD", "OPTIONS"}
# A client may make up others, and each would be a series of its own for good.
METHODS = READING | {"POST", "PUT", "PATCH", "DELETE"}
SLOW_S = 1.0


class Observed:
    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        heartbeat.beat_as_web()
        return self._through(request) if self._is_async else self._straight(request)

    def _straight(self, request: HttpRequest) -> HttpResponseBase:
        started, name = time.perf_counter(), logs.request_id(request.headers.get(HEADER, ""))
        with logs.bound(request_id=name):
            response: HttpResponseBase = self._get_response(request)
            _note(request, response, started, name)
        return response

    async def _through(self, request: HttpRequest) -> HttpResponseBase:
        started, name = time.perf_counter(), logs.request_id(request.headers.get(HEADER, ""))
        with logs.bound(request_id=name):
            response: HttpResponseBase = await self._get_response(request)
            _note(request, response, started, name)
        return response


def _note(request: HttpRequest, response: HttpResponseBase, started: float, name: str) -> None:
    """Until the headers: how long a stream lasts says nothing about the website."""
    took_s = time.perf_counter() - started
    response[HEADER] = name
    match = request.resolver_match
    route = f"/{match.route}" if match else "none"
    method = request.method if request.method in METHODS else "other"
    tally.add("requests", method, route, str(response.status_code))
    tally.time("request_seconds", route, seconds=took_s)
    if request.method not in READING or response.status_code >= 500 or took_s > SLOW_S:
        # The path alone: what people search for is in the query. Whoever has a token has what it
        # is for, so it is left out too.
        where = route if match and "token" in match.kwargs else request.path
        logger.info("%s %s %d %.0f ms", method, where, response.status_code, 1000 * took_s)
