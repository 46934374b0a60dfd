"""Browsers that a person is signed in at: listed, and ended one by one or all but one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import async_to_sync
from channels import auth
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from assistant.accounts import attempts
from assistant.errors import NotFound
from assistant.models import BrowserSession, User

SEEN_NOTED_EVERY = timedelta(minutes=1)
AGENT_LENGTH = 300
# The first that fits: most browsers claim to be others as well.
BROWSERS = {
    "Edge": r"Edg(e|A|iOS)?/",
    "Opera": r"OPR/|Opera",
    "Samsung Internet": r"SamsungBrowser/",
    "Firefox": r"Firefox/|FxiOS/",
    "Chrome": r"Chrome/|CriOS/|Chromium/",
    "Safari": r"Safari/",
}
SYSTEMS = {
    "Android": r"Android",
    "iPhone": r"iPhone",
    "iPad": r"iPad",
    "ChromeOS": r"CrOS",
    "Windows": r"Windows",
    "Mac": r"Mac OS X|Macintosh",
    "Linux": r"Linux|X11",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A browser in plain words; empty where it does not say what it is."""

    id: int
    browser: str
    system: str
    address: str
    began_at: datetime
    seen_at: datetime
    is_this: bool


def listed(person: User, this: str | None) -> list[Device]:
    """Those that are still signed in, last seen first; `this` is the key of the one that asks."""
    browsers = BrowserSession.objects.filter(person=person)
    alive = set(
        Session.objects.filter(
            session_key__in=browsers.values("session_key"), expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    return [_device(each, this) for each in browsers if each.session_key in alive]


def _device(browser: BrowserSession, this: str | None) -> Device:
    return Device(
        id=browser.pk,
        browser=_first(BROWSERS, browser.user_agent),
        system=_first(SYSTEMS, browser.user_agent),
        address=browser.address,
        began_at=browser.created_at,
        seen_at=browser.seen_at,
        is_this=browser.session_key == this,
    )


def _first(patterns: dict[str, str], text: str) -> str:
    return next((name for name, pattern in patterns.items() if re.search(pattern, text)), "")


def end(person: User, pk: int) -> None:
    """Sign a browser out.

    Raises:
        NotFound: this person is not signed in at such a browser.
    """
    if not _end(person, BrowserSession.objects.filter(person=person, pk=pk)):
        raise NotFound("You are not signed in there.")


def forget(person: User, this: str | None) -> None:
    """At signing out: the session itself is ended by Django."""
    _end(person, BrowserSession.objects.filter(person=person, session_key=this))


def end_others(person: User, this: str | None) -> int:
    """Sign out everywhere but at `this`; everywhere where that is None. Returns how many."""
    return _end(person, BrowserSession.objects.filter(person=person).exclude(session_key=this))


@transaction.atomic
def _end(person: User, browsers: Iterable[BrowserSession]) -> int:
    keys = [browser.session_key for browser in browsers]
    Session.objects.filter(session_key__in=keys).delete()
    BrowserSession.objects.filter(session_key__in=keys).delete()
    transaction.on_commit(lambda: close_sockets(person, keys), robust=True)
    return len(keys)


def close_sockets(person: User, keys: Iterable[str]) -> None:
    """Close what the pages of these sessions hold open, in every web process, at once."""
    send = async_to_sync(get_channel_layer().group_send)
    send(
        group_of(person.pk),
        {"type": "session.ended", "sessions": [name_of(key) for key in keys]},
    )


def group_of(person: int) -> str:
    """The channel-layer group of all sockets of a person."""
    return f"person.{person}"


def name_of(key: str) -> str:
    """How other processes are told of a session without being told its key."""
    return hashlib.sha256(key.encode()).hexdigest()


@receiver(user_logged_in)
def remember(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A browser has just been signed in."""
    if request.session.session_key is None:
        request.session.save()
    BrowserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "person": user,
            "user_agent": request.META.get("HTTP_USER_AGENT", "")[:AGENT_LENGTH],
            "address": attempts.address_of(request),
            "seen_at": timezone.now(),
        },
    )


def note_seen(key: str | None) -> None:
    """At most one write a minute and browser, whoever else notes it at the same time."""
    now = timezone.now()
    BrowserSession.objects.filter(session_key=key, seen_at__lt=now - SEEN_NOTED_EVERY).update(
        seen_at=now
    )


def clear_expired() -> None:
    """Forget sessions that have run out, and browsers whose session is gone."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    living = Session.objects.values("session_key")
    BrowserSession.objects.exclude(session_key__in=living).delete()


async def get_user(scope: dict[str, Any]) -> User | AnonymousUser:
    """Who a socket's session belongs to now.

    Channels keeps the session that it read when the socket was opened; one that was ended since
    would go on for as long as the socket does.
    """
    if (session := scope.get("session")) is not None:
        scope = {**scope, "session": SessionStore(session.session_key)}
    person: User | AnonymousUser = await auth.get_user(scope)
    return person
