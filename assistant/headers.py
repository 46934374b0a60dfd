"""What every answer tells the browser not to do, built files included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Of every HTML page; one that needs more sets its own.
CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
YEAR_S = 31_536_000


def of_every_answer() -> dict[str, str]:
    """HTTPS usually ends at a proxy, so the setting says whether there is any, not the request."""
    if not settings.SESSION_COOKIE_SECURE:
        return ALWAYS
    return {**ALWAYS, "Strict-Transport-Security": f"max-age={YEAR_S}"}


class Headers:
    """Middleware; what a view has set itself is left as it is."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._through(request)
        return _with_headers(self._get_response(request))

    async def _through(self, request: HttpRequest) -> HttpResponseBase:
        return _with_headers(await self._get_response(request))


def _with_headers(response: HttpResponseBase) -> HttpResponseBase:
    for name, value in of_every_answer().items():
        response.headers.setdefault(name, value)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    return response


def of_a_file(headers: Any, path: str, url: str) -> None:
    """For ServeStatic. The policy keeps a picture that is opened by itself from running scripts."""
    for name, value in {**of_every_answer(), "Content-Security-Policy": CONTENT_POLICY}.items():
        headers[name] = value
