"""API keys: made once, shown once, stored as a digest; and who it is that calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assistant.accounts import acts, attempts, tokens
from assistant.accounts.attempts import Limit
from assistant.errors import NotAllowed, NotFound, NotSignedIn
from assistant.models import Act, ApiKey, Role, User

KEY_START = "danas-"
SHOWN_LENGTH = 12
# Nobody types keys, so wrong ones are a program's mistake or somebody's guesses.
UNKNOWN_KEYS = Limit("unknown-keys", amount=300, per_s=60)
USE_NOTED_EVERY = timedelta(minutes=1)


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

    def needs_whole_account(self) -> None:
        """Raises NotAllowed for a key that was narrowed: it must not widen itself."""
        if not self.is_unrestricted:
            raise NotAllowed("This is done in the browser, or with a key of full scope.")

    def needs_administrator(self) -> None:
        """Raises NotAllowed for everybody else."""
        if self.person.role != Role.ADMIN:
            raise NotAllowed("Only administrators can do this.")
        self.needs_whole_account()


@transaction.atomic
def create(
    owner: User,
    scopes: Iterable[str] = (),
    *,
    name: str = "",
    expires_at: datetime | None = None,
) -> str:
    """Make a key; without scopes it reaches as far as its owner's role, now and later.

    Returns:
        The key. It can't be read again.

    Raises:
        NotAllowed: a scope that the role does not have.
    """
    wanted = sorted(set(scopes))
    for scope in wanted:
        Caller(owner, owner.scopes).needs(scope)
    key = KEY_START + tokens.new()
    ApiKey.objects.create(
        owner=owner,
        digest=digest_of(key),
        prefix=key[:SHOWN_LENGTH],
        name=name,
        scopes=wanted,
        expires_at=expires_at,
    )
    acts.note(owner, Act.Kind.KEY, f"{key[:SHOWN_LENGTH]}… {' '.join(wanted)}".strip())
    return key


def caller(key: str, *, address: str = "local") -> Caller:
    """Who calls with `key`. A role that shrank since takes its scopes from the key too.

    Raises:
        NotSignedIn: unknown, expired or revoked, or its owner's account is closed.
        RateExceeded: too many of those from this address. Good keys are never counted.
    """
    now = timezone.now()
    found = (
        ApiKey.objects.select_related("owner")
        .filter(_lives(now), digest=digest_of(key), owner__is_active=True)
        .first()
    )
    if found is None:
        attempts.spend(UNKNOWN_KEYS, address)
        raise NotSignedIn("The API key is unknown, has expired or was revoked.")
    if found.used_at is None or now - found.used_at > USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=found.pk, used_at=found.used_at).update(used_at=now)
    scopes = found.owner.scopes
    return Caller(found.owner, scopes & frozenset(found.scopes) if found.scopes else scopes)


def living(owner: User) -> list[ApiKey]:
    """Neither revoked nor expired, newest first."""
    return list(ApiKey.objects.filter(_lives(timezone.now()), owner=owner))


@transaction.atomic
def revoke(owner: User, pk: int) -> None:
    """Takes effect with the next request.

    Raises:
        NotFound: there is no such key of this person, or it was revoked before.
    """
    mine = ApiKey.objects.filter(pk=pk, owner=owner, revoked_at=None)
    if not mine.update(revoked_at=timezone.now()):
        raise NotFound("There is no such key.")
    acts.note(owner, Act.Kind.KEY_REVOKED, f"{ApiKey.objects.get(pk=pk).prefix}…")


def _lives(now: datetime) -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))


def digest_of(key: str) -> str:
    return tokens.digest_of(key)
