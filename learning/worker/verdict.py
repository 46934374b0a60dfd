"""What becomes of a version after its gates: live, on trial, or refused."""

from __future__ import annotations

from inference import registry
from inference.models import PolicyVersion
from learning.models import Update
from learning.worker.lease import Lease

State = Update.State


def conclude(lease: Lease, version: PolicyVersion, parent: PolicyVersion, refusal: str) -> None:
    if refusal:
        registry.reject(version, refusal)
        lease.finish(State.REJECTED, refusal)
        return
    registry.accept(version)
    row = Update.objects.get(pk=lease.update_id)
    if row.canary:
        lease.finish(State.CANARY, "It passed its gates and waits to be made live.")
    elif registry.live() != parent:
        lease.finish(
            State.REJECTED,
            "It passed its gates, but the live policy was changed meanwhile. Activate it by hand "
            "if you want it.",
        )
    else:
        lease.save()
        registry.activate(version.name, by=f"update {lease.update_id}")
        lease.finish(State.LIVE, "It passed its gates and is live.")
