"""The single-page app's one page; its scripts and styles come straight from disk (asgi.py)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from assistant.accounts import signup

# What the page has to know before anyone is signed in; index.html has them with these contents.
FACTS = {"signup": "closed", "oidc": "", "mail": "no"}

SHARED = "/s/"


@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """The built index.html, whatever the address: the app reads it from there."""
    try:
        html = (settings.FRONTEND_DIST / "index.html").read_text()
    except FileNotFoundError:
        return HttpResponse(
            "The page is not built yet. Run `make build`.",
            status=503,
            content_type="text/plain; charset=utf-8",
        )
    response = HttpResponse(_told(html))
    response["Cache-Control"] = "no-cache"
    if request.path.startswith(SHARED):
        # Whoever has the link may read it, and only they: it is not to be found by searching.
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
    return response


def _told(html: str) -> str:
    facts = {
        "signup": signup.mode_to_show(),
        "oidc": settings.OIDC_NAME,
        "mail": "yes" if settings.HAS_MAIL else "no",
    }
    for name, content in facts.items():
        meta = f'<meta name="danas-{name}" content="'
        html = html.replace(f'{meta}{FACTS[name]}"', f'{meta}{escape(content)}"')
    return html
