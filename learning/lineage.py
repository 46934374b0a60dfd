"""From a policy version to what it was made of, and from feedback to what was made of it.

The rows say which judgements an update learned from; the ledger holds a digest of their ids from
the moment of training, so both can be held against each other later. Forgetting deletes a
judgement's row: then the digest can't be made again, and the lineage says how many are gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from inference import registry
from inference.models import PolicyVersion, Split
from learning import ledger
from learning.ledger import Kind
from learning.models import Judgement, LedgerEntry, Participant, Update


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a version was made of. `trained_on` is the number that the ledger has, `gone` how many
    of those were deleted since, and `digest_holds` whether the ids that are left give the ledger's
    digest (None: it was never trained, or some are gone)."""

    update: Update | None
    judgements: list[Judgement]
    entries: list[LedgerEntry]
    trained_on: int
    gone: int
    taken_back: int
    left_out: int
    digest_holds: bool | None


@dataclass(frozen=True, slots=True)
class Descent:
    """A version that learned from some piece of feedback. `is_in_live`: it is live, or the live
    version was trained from it. `share` per cent of people try it out now."""

    version: PolicyVersion
    is_live: bool
    is_in_live: bool
    share: int = 0


def judgements_digest(feedback: Iterable[UUID]) -> str:
    """SHA-256 of the sorted feedback ids, one a line: what `trained` entries hold."""
    return hashlib.sha256("\n".join(sorted(map(str, feedback))).encode()).hexdigest()


def of(version: PolicyVersion) -> Lineage:
    """What `version` was made of."""
    update = Update.objects.select_related("trial").filter(policy=version.name).first()
    judgements = list(Judgement.objects.filter(used_in__update=update)) if update else []
    entries = list(ledger.of(version.name))
    trained: dict[str, Any] = next((e.body for e in entries if e.kind == Kind.TRAINED), {})
    trained_on = trained.get("judgements", len(judgements))
    gone = max(0, trained_on - len(judgements))
    left_out = Participant.objects.exclude(left_out_at=None).values("person")
    holds = None
    if "judgements_digest" in trained and not gone:
        own = judgements_digest(judgement.feedback for judgement in judgements)
        holds = own == trained["judgements_digest"]
    return Lineage(
        update=update,
        judgements=judgements,
        entries=entries,
        trained_on=trained_on,
        gone=gone,
        taken_back=sum(judgement.revoked_at is not None for judgement in judgements),
        left_out=Judgement.objects.filter(used_in__update=update, person__in=left_out).count()
        if update
        else 0,
        digest_holds=holds,
    )


def descents(feedback: Iterable[UUID]) -> dict[UUID, list[Descent]]:
    """Which versions learned from each of these pieces of feedback, newest first."""
    used = Judgement.objects.filter(feedback__in=feedback).exclude(used_in__update__policy="")
    pairs = list(used.values_list("feedback", "used_in__update__policy"))
    named = {
        version.name: version
        for version in PolicyVersion.objects.filter(name__in={name for _, name in pairs})
    }
    live = registry.live()
    ancestors = {live.pk, *_ancestors(live)}
    tried = dict(Split.objects.values_list("policy", "share"))
    found: dict[UUID, list[Descent]] = {}
    for piece, name in pairs:
        if version := named.get(name):
            descent = Descent(
                version,
                is_live=version.pk == live.pk,
                is_in_live=version.pk in ancestors,
                share=tried.get(version.pk, 0),
            )
            found.setdefault(piece, []).append(descent)
    for each in found.values():
        each.sort(key=lambda descent: -descent.version.number)
    return found


def trained_on_participant(person: int) -> list[str]:
    """The names of the versions that learned from anything this person said, newest first."""
    updates = Update.objects.filter(used__judgement__person=person).exclude(policy="")
    return list(
        PolicyVersion.objects.filter(name__in=updates.values("policy"))
        .order_by("-number")
        .values_list("name", flat=True)
    )


def _ancestors(version: PolicyVersion) -> set[int]:
    parents = dict(PolicyVersion.objects.values_list("pk", "parent"))
    found: set[int] = set()
    at = parents.get(version.pk)
    while at is not None and at not in found:
        found.add(at)
        at = parents.get(at)
    return found
