"""The site of raw rows: who gets in, by which door, and what a page of it may load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.sites import UnfoldAdminSite

from assistant.models import Role, User

# The theme brings scripts in its pages and builds functions from attributes; nothing comes from
# anywhere else, and nothing goes there.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)


class Rows(UnfoldAdminSite):  # type: ignore[misc]
    """Administrators of Danas are let in with the session that the page gave them."""

    site_title = site_header = index_title = "Danas"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        person = request.user
        return isinstance(person, User) and person.is_active and person.role == Role.ADMIN

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Only the page's own sign-in counts attempts and asks for the second factor."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return HttpResponseRedirect("/signin")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response: HttpResponse = inner(request, *args, **kwargs)
            response["Content-Security-Policy"] = POLICY
            return response

        return guarded


site = Rows(name="admin")
