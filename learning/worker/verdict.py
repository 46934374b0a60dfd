"""What becomes of a version after its gates: live, on trial, its owner's, or refused.

Each ending is one transaction, so a learner that dies here leaves either nothing or all of it.
Whatever the ending is, the live policy changes in one case only.
"""

from __future__ import annotations

from django.db import transaction

from inference import registry
from inference.models import PolicyVersion
from learning import canary, ledger, policies
from learning.models import Update
from learning.worker.lease import Lease

State = Update.State


@transaction.atomic
def conclude(lease: Lease, version: PolicyVersion, parent: PolicyVersion, refusal: str) -> None:
    """End an update. `refusal` says why a gate refused the version; empty where all were passed.

    Raises:
        LeaseLost: another learner has this update by now; nothing is changed then.
    """
    update = Update.objects.get(pk=lease.update_id)
    if refusal:
        registry.reject(version, refusal)
        lease.finish(State.REJECTED, refusal)
    else:
        registry.accept(version)
        _let_answer(lease, update, version, parent)
    _enter(update, version, passed=not refusal)


@transaction.atomic
def set_aside(lease: Lease, version: PolicyVersion, refusal: str) -> None:
    """Refuse a version while its update goes on and makes another one. Raises LeaseLost."""
    lease.save()
    registry.reject(version, refusal)
    _enter(Update.objects.get(pk=lease.update_id), version, passed=False)


def _enter(update: Update, version: PolicyVersion, *, passed: bool) -> None:
    gates = {gate["name"]: gate["passed"] for gate in update.gates}
    ledger.record(ledger.Kind.EXAMINED, version.name, {"passed": passed, "gates": gates})


def _let_answer(
    lease: Lease, update: Update, version: PolicyVersion, parent: PolicyVersion
) -> None:
    if update.person is not None:
        lease.finish(State.LIVE, "It passed its gates and answers the person it was made for.")
        registry.give_own(version)
    elif registry.live() != parent:
        lease.finish(
            State.REJECTED,
            "It passed its gates, but the live policy was changed meanwhile. Activate it by hand "
            "if you want it.",
        )
    elif not update.canary:
        lease.finish(State.LIVE, "It passed its gates and is live.")
        policies.activate(version.name, by=f"update {update.pk}")
    elif canary.is_running():
        lease.finish(
            State.REJECTED,
            "It passed its gates, but another version was being tried out. Activate it by hand "
            "if you want it.",
        )
    else:
        lease.save(
            state=State.CANARY,
            reason=f"It passed its gates and is tried out with {canary.SHARES[0]} % of people.",
        )
        canary.begin(update, version, parent)
