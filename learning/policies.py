"""Which version is live, as learning sees it: a flip goes into the ledger and ends a trial.

Going back needs the database alone: neither the trainer nor Celery, and no engine that has the
older version still (a generation worker loads what its engine lost).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from inference import registry
from inference.models import PolicyVersion, Split
from learning import ledger
from learning.models import Trial, Update


@transaction.atomic
def activate(name: str, by: str) -> PolicyVersion:
    """Make a version live. A trial that runs is stopped, even if the version was live already.

    Raises:
        UnknownPolicy, PolicyNotServable: as `inference.registry.activate`; nothing changes then.
    """
    stopped = _stop_trial(name, by)
    flip = registry.activate(name, by)
    # The ledger comes last: everybody who writes to it waits for this transaction's end.
    if stopped is not None:
        tell(stopped)
    if flip is not None:
        previous = flip.previous.name if flip.previous else ""
        ledger.record(ledger.Kind.ACTIVATED, name, {"by": by, "previous": previous})
    return flip.policy if flip else registry.live()


def end_trial(trial: Trial, state: str, reason: str, outcome: str) -> bool:
    """Send everybody to the live version again and close the update; false if it has ended before.

    Call it in a transaction, followed by `tell` as its last act.
    """
    now = timezone.now()
    running = Trial.objects.filter(pk=trial.pk, state=Trial.State.RUNNING)
    if not running.update(state=state, reason=reason, ended_at=now):
        return False
    Split.objects.filter(alias=registry.LIVE_ALIAS).delete()
    Update.objects.filter(pk=trial.update_id, state=Update.State.CANARY).update(
        state=outcome, reason=reason, finished_at=now
    )
    return True


def tell(trial: Trial) -> None:
    """Enter in the ledger where a trial stands now."""
    trial.refresh_from_db()
    body = {"state": trial.state, "share": trial.share, "reason": trial.reason}
    ledger.record(ledger.Kind.TRIED, trial.policy, body)


def _stop_trial(name: str, by: str) -> Trial | None:
    """Stop the trial that runs, if any, since `by` makes `name` live."""
    trial = Trial.objects.filter(state=Trial.State.RUNNING).first()
    if trial is None:
        return None
    if name == trial.policy:
        reason = f"It was made live by {by} before its trial was over."
        outcome = Update.State.LIVE
    else:
        reason = f"Its trial was stopped: {by} made {name} live meanwhile."
        outcome = Update.State.REJECTED
    return trial if end_trial(trial, Trial.State.STOPPED, reason, outcome) else None
