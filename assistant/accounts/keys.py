"""API keys: made once, shown once, stored as a digest; and who it is that calls."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.errors import NotAllowed, NotSignedIn
from assistant.models import ApiKey, User

KEY_START = "danas-"
SHOWN_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, and what the key or the session at hand lets that person do."""

    person: User
    scopes: frozenset[str]

    @property
    def is_unrestricted(self) -> bool:
        """Whether everything that the role may do can be done."""
        return self.scopes == self.person.scopes

    def needs(self, *scopes: str) -> None:
        """Raises NotAllowed when none of `scopes` is within reach."""
        if self.scopes.intersection(scopes):
            return
        named = " or ".join(f"'{scope}'" for scope in scopes)
        if self.person.scopes.intersection(scopes):
            raise NotAllowed(f"This key does not have the scope {named}.")
        raise NotAllowed(f"The role '{self.person.role}' does not have the scope {named}.")


def create(owner: User, scopes: Iterable[str] = ()) -> str:
    """Make a key; without scopes it reaches as far as its owner's role, now and later.

    Returns:
        The key. It can't be read again.

    Raises:
        NotAllowed: a scope that the role does not have.
    """
    wanted = sorted(set(scopes))
    for scope in wanted:
        Caller(owner, owner.scopes).needs(scope)
    key = KEY_START + secrets.token_urlsafe(32)
    ApiKey.objects.create(
        owner=owner, digest=digest_of(key), prefix=key[:SHOWN_LENGTH], scopes=wanted
    )
    return key


def caller(key: str) -> Caller:
    """Who calls with `key`. A role that shrank since takes its scopes from the key too.

    Raises:
        NotSignedIn: unknown or revoked, or its owner's account is closed.
    """
    found = (
        ApiKey.objects.select_related("owner")
        .filter(digest=digest_of(key), revoked_at=None, owner__is_active=True)
        .first()
    )
    if found is None:
        raise NotSignedIn("The API key is unknown or was revoked.")
    scopes = found.owner.scopes
    return Caller(found.owner, scopes & frozenset(found.scopes) if found.scopes else scopes)


def digest_of(key: str) -> str:
    """SHA-256 without salt or stretching: the key itself has 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
