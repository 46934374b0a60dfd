"""Past the browser's middleware, for programs.

Sessions, CSRF and the like are synchronous, and each costs an asynchronous request two trips to a
thread. A request with an API key needs none of them, and for a chat completion those trips are
time to the first token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve


class Shortcut:
    """The outermost middleware. Only asynchronous views under /v1 are reached through it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        response: HttpResponseBase | Awaitable[HttpResponseBase] = (
            self._through(request) if self._is_async else self._get_response(request)
        )
        return response

    async def _through(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/v1/") and "Authorization" in request.headers:
            request.resolver_match = resolve(request.path_info)
            view, args, kwargs = request.resolver_match
            if iscoroutinefunction(view):
                response: HttpResponseBase = await view(request, *args, **kwargs)
                return response
        response = await self._get_response(request)
        return response
