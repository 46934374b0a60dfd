"""Who calls: an API key in the Authorization header, or the browser session with a CSRF token."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from assistant import rates
from assistant.accounts import attempts, keys, sessions
from assistant.accounts.keys import Caller
from assistant.errors import NotAllowed, NotSignedIn
from assistant.models import User

HOW = "Sign in, or send an API key as `Authorization: Bearer KEY`."


class ApiRequest(HttpRequest):
    """A request whose route has let its caller in."""

    auth: Caller


class Needs(AuthBase):
    """Lets a route's callers in: those signed in, with one of the scopes, if any is named.

    Where a `rate` is named, each request counts towards that limit.

    The view finds the `Caller` in `request.auth`.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, *scopes: str, rate: rates.Kind | None = None) -> None:
        self.scopes, self.rate = scopes, rate
        super().__init__()

    def __call__(self, request: HttpRequest) -> Caller:
        caller = caller_of(request)
        if self.scopes:
            caller.needs(*self.scopes)
        if self.rate is not None:
            rates.spend_request(self.rate, caller.person.pk, request)
        return caller


class WholeAccount(Needs):
    """As `Needs`, but turns away keys that were narrowed: they must not widen themselves."""

    def __call__(self, request: HttpRequest) -> Caller:
        caller = super().__call__(request)
        caller.needs_whole_account()
        return caller


class Administrator(Needs):
    """Lets administrators in, with a session or a key of full scope."""

    def __call__(self, request: HttpRequest) -> Caller:
        caller = super().__call__(request)
        caller.needs_administrator()
        return caller


class Claims(Needs):
    """Turns away who has neither a key nor a session; the view finds out whose they are.

    Saves a request that is to be fast its own trip to the database.
    """

    async def __call__(self, request: HttpRequest) -> bool:  # type: ignore[override]
        if "Authorization" in request.headers or settings.SESSION_COOKIE_NAME in request.COOKIES:
            return True
        raise NotSignedIn(HOW)


def caller_of(request: HttpRequest) -> Caller:
    """Reads the database: call it where that is allowed.

    Raises:
        NotSignedIn: neither a key nor a session, or not a valid one.
        NotAllowed: a session without the CSRF token that a change needs.
        RateExceeded: many wrong keys from one address.
    """
    if header := request.headers.get("Authorization"):
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise NotSignedIn("Send the key as `Authorization: Bearer KEY`.")
        return keys.caller(key.strip(), address=attempts.address_of(request))
    person = request.user
    if not isinstance(person, User) or not person.is_active:
        raise NotSignedIn(HOW)
    if check_csrf(request):
        raise NotAllowed("The CSRF token is missing or wrong: send the cookie's as X-CSRFToken.")
    sessions.note_seen(request.session.session_key)
    return Caller(person, person.scopes)
