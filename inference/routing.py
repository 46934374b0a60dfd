"""Which version answers a person: their choice, their own adapter, one on trial, or the live one.

A request for `danas` is answered by the first of these that there is:

1. the version that the person chose to stay at, or the base;
2. their own adapter, unless they chose to be answered like everybody;
3. while a version is on trial, that version for a share of people;
4. the live version.

Who is in the share is decided by a hash of the version's name and the person, so a person stays
where they are while the share grows, and each trial draws its people anew. All of it is one query.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from inference import registry
from inference.contracts import BASE_NAME
from inference.models import PersonalAlias, PolicyVersion
from inference.registry import LIVE_ALIAS

# Adapters are unloaded in the order of their last use; to the minute is near enough.
NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Route:
    """The version that answers. `trial` names the version on trial, be it this one or the other.

    It is empty where nothing is tried out, or where the person is answered by what they chose.
    """

    version: PolicyVersion
    trial: str = ""


def policy_for(person: int, model: str) -> PolicyVersion:
    """The version that answers this person's request for `model`.

    Raises: as `registry.resolve`.
    """
    return route(person, model).version


def route(person: int, model: str) -> Route:
    """As `policy_for`, with what a trial has to know of it."""
    if model != LIVE_ALIAS:
        return Route(registry.resolve(model, person))
    rungs = _rungs(person)
    if chosen := rungs.get("choice"):
        return Route(chosen.version)
    if own := rungs.get("own"):
        _note_use(person, own.used_at)
        return Route(own.version)
    standing = rungs.get("live") or rungs.get("base")
    live = standing.version if standing else registry.base()
    tried = rungs.get("trial")
    if tried is None or tried.version == live:
        return Route(live)
    name = tried.version.name
    return Route(tried.version if in_share(name, person, tried.share) else live, name)


def in_share(policy: str, person: int, share: int) -> bool:
    """Whether a person is among the `share` per cent who try `policy` out."""
    digest = hashlib.sha256(f"{policy}:{person}".encode()).digest()
    return int.from_bytes(digest, "big") % 100 < share


def check(person: int, model: str) -> None:
    """Refuse a request for a version that this person may not use. `danas` and `base` cost nothing.

    Raises: as `registry.resolve`.
    """
    if model not in (LIVE_ALIAS, BASE_NAME):
        registry.resolve(model, person)


def usable(person: int) -> list[PolicyVersion]:
    """The versions that a person may ask for by name, newest first, the base last."""
    whose = Q(person=None) | Q(person=person)
    return list(registry.versions().filter(whose, state=PolicyVersion.State.READY))


@dataclass(frozen=True, slots=True)
class _Rung:
    version: PolicyVersion
    share: int
    used_at: datetime


def _rungs(person: int) -> dict[str, _Rung]:
    """All that could answer a person, by where it stands in the order above."""
    rows = PolicyVersion.objects.raw(
        _RUNGS, {"person": person, "alias": LIVE_ALIAS, "base": BASE_NAME}
    )
    found = {}
    for version in rows:
        beside = vars(version)
        found[beside["rung"]] = _Rung(version, beside["share"], beside["used_at"])
    return found


# Rows of other tables have no pair in the version's model, so they come along as plain columns.
_RUNGS = """
    SELECT version.id, version.name, version.number, version.digest, version.path, version.state,
           version.person, found.rung, found.share, found.used_at
      FROM (SELECT 'choice' AS rung, policy_id, NULL::integer AS share, NULL::timestamptz AS used_at
              FROM inference_policychoice WHERE person = %(person)s
            UNION ALL
            SELECT 'own', policy_id, NULL, used_at
              FROM inference_personalalias
             WHERE person = %(person)s
               AND NOT EXISTS (SELECT FROM inference_policychoice
                                WHERE person = %(person)s AND policy_id IS NULL)
            UNION ALL
            SELECT 'trial', policy_id, share, NULL FROM inference_split WHERE alias = %(alias)s
            UNION ALL
            SELECT 'live', policy_id, NULL, NULL FROM inference_servingalias WHERE name = %(alias)s
            UNION ALL
            SELECT 'base', id, NULL, NULL FROM inference_policyversion WHERE name = %(base)s) found
      JOIN inference_policyversion version ON version.id = found.policy_id
     WHERE version.state = 'ready'
"""


def _note_use(person: int, used_at: datetime) -> None:
    now = timezone.now()
    if now - used_at > NOTE_USE_EVERY:
        PersonalAlias.objects.filter(person=person).update(used_at=now)
