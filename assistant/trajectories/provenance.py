"""What was learned from a trajectory: by which versions, and where the ledger says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from learning import ledger
from learning.ledger import Kind
from learning.models import Judgement, UpdateJudgement

NOT_JUDGED: dict[str, Any] = {"use": "stored", "reward_version": None, "ledger": ""}


@dataclass(frozen=True, slots=True)
class Provenance:
    """`policies` are `{"policy", "policy_sha256", "ledger"}`: a version, its weights, and the
    digest of the ledger's entry that says it was trained, empty where there is none."""

    updates: list[str]
    policies: list[dict[str, str]]
    feedback: dict[UUID, dict[str, Any]]

    def of_feedback(self, feedback: UUID) -> dict[str, Any]:
        """`use`, `reward_version`, and the digest of the entry that says so."""
        return self.feedback.get(feedback, NOT_JUDGED)


def of(answer: UUID) -> Provenance:
    """An answer counts as learned from where it, or its being preferred, was judged."""
    judgements = list(Judgement.objects.filter(Q(answer=answer) | Q(over=answer)))
    if not judgements:
        return Provenance([], [], {})
    used = UpdateJudgement.objects.filter(judgement__in=judgements)
    updates = dict(used.values_list("update", "update__policy"))
    names = sorted(set(updates.values()) - {""})
    subjects = [str(each.feedback) for each in judgements]
    entries = ledger.of(*subjects, *names).filter(kind__in=[Kind.JUDGED, Kind.TRAINED])
    # The last one counts where there are several.
    digests = {entry.subject: entry for entry in entries}
    return Provenance(
        updates=sorted(map(str, updates)),
        policies=[
            {
                "policy": name,
                "policy_sha256": digests[name].body.get("digest", "") if name in digests else "",
                "ledger": digests[name].digest if name in digests else "",
            }
            for name in names
        ],
        feedback={
            each.feedback: {
                "use": each.use,
                "reward_version": each.version,
                "ledger": digests[subject].digest if subject in digests else "",
            }
            for each, subject in zip(judgements, subjects, strict=True)
        },
    )
