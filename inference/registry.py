"""The life of adapters: staged, accepted or rejected, live under an alias. Synchronous ORM code.

Versions are immutable and names are never reused; what changes is a version's state and the row
that says which version answers as `danas`. State changes are conditional updates, so two processes
that want different things cannot both believe they got theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from inference.contracts import BASE_NAME, Policy
from inference.errors import PolicyNotServable, UnknownPolicy
from inference.models import Activation, PolicyVersion, ServingAlias

if TYPE_CHECKING:
    from pathlib import Path

LIVE_ALIAS = "danas"
State = PolicyVersion.State
# Two trainers that stage at once can each take the number that the other wanted, once a try.
TRIES = 20


def base() -> PolicyVersion:
    """The base model's version, number 0, which needs no gates; its row is made on first use."""
    version, _ = PolicyVersion.objects.get_or_create(
        name=BASE_NAME,
        defaults={"number": 0, "state": State.READY, "base_model": str(settings.MODEL)},
    )
    return version


def live() -> PolicyVersion:
    """The version that answers today: the base until another one was activated."""
    alias = ServingAlias.objects.select_related("policy").filter(name=LIVE_ALIAS).first()
    return alias.policy if alias else base()


def resolve(model: str) -> PolicyVersion:
    """The version that a request for `model` is answered by: `danas`, `base` or a version's name.

    Raises:
        UnknownPolicy: there is no such model.
        PolicyNotServable: it failed a gate, has not passed them yet, or was withdrawn.
    """
    if model == LIVE_ALIAS:
        return live()
    if model == BASE_NAME:
        return base()
    version = named(model)
    if version.state != State.READY:
        raise PolicyNotServable(f"{model} is {version.state}: {version.get_state_display()}.")
    return version


def named(name: str) -> PolicyVersion:
    """A version in whatever state it is.

    Raises:
        UnknownPolicy: there is no version of that name.
    """
    version = PolicyVersion.objects.filter(name=name).first()
    if version is None:
        raise UnknownPolicy(f"There is no model {name!r}.")
    return version


def as_policy(version: PolicyVersion) -> Policy:
    return Policy(version.name, version.path or None, version.digest)


def versions() -> QuerySet[PolicyVersion]:
    """Every version, newest first."""
    return PolicyVersion.objects.select_related("parent").all()


def name_of(number: int, digest: str) -> str:
    return f"{LIVE_ALIAS}-v{number}-{digest[:8]}"


def stage(
    path: Path | str, digest: str, parent: PolicyVersion, manifest: dict[str, Any]
) -> PolicyVersion:
    """Enter an adapter that was written whole (`inference.engine.adapters`), under the next number.

    Raises:
        IntegrityError: other processes took the next number every time.
    """
    for _ in range(TRIES - 1):
        try:
            return _stage(path, digest, parent, manifest)
        except IntegrityError:
            continue
    return _stage(path, digest, parent, manifest)


def _stage(
    path: Path | str, digest: str, parent: PolicyVersion, manifest: dict[str, Any]
) -> PolicyVersion:
    highest = PolicyVersion.objects.aggregate(highest=Max("number"))["highest"]
    number = (highest or 0) + 1
    with transaction.atomic():
        return PolicyVersion.objects.create(
            name=name_of(number, digest),
            number=number,
            digest=digest,
            path=str(path),
            base_model=str(settings.MODEL),
            parent=parent,
            manifest=manifest,
        )


def accept(version: PolicyVersion) -> PolicyVersion:
    """The gates were passed: the version may be live. Accepting it twice is accepting it once.

    Raises:
        PolicyNotServable: it was rejected or retired before.
    """
    return _move(version, State.STAGED, State.READY)


def reject(version: PolicyVersion, reason: str) -> PolicyVersion:
    """A gate was failed; the reason goes into the manifest."""
    manifest = {**version.manifest, "rejected": reason}
    return _move(version, State.STAGED, State.REJECTED, manifest=manifest)


def retire(version: PolicyVersion) -> PolicyVersion:
    """Withdraw a version that is not live, so that it cannot be again.

    Raises:
        PolicyNotServable: it is live, or was never ready.
    """
    with transaction.atomic():
        # The row is taken first: an activation that holds it is waited for, and then seen.
        retired = _move(version, State.READY, State.RETIRED)
        if retired.aliases.exists():
            raise PolicyNotServable(f"{version.name} is live; activate another version first.")
        return retired


def _move(version: PolicyVersion, old: State, new: State, **values: Any) -> PolicyVersion:
    moved = PolicyVersion.objects.filter(pk=version.pk, state=old).update(state=new, **values)
    version.refresh_from_db()
    if not moved and version.state != new:
        raise PolicyNotServable(f"{version.name} is {version.state}, so it cannot become {new}.")
    return version


def activate(name: str, by: str) -> PolicyVersion:
    """Let a version answer from the next request on. Going back is activating an older one.

    Raises:
        UnknownPolicy: there is no version of that name.
        PolicyNotServable: it is not ready.
    """
    version = base() if name == BASE_NAME else named(name)
    with transaction.atomic():
        _hold_ready(version)
        ServingAlias.objects.get_or_create(name=LIVE_ALIAS, defaults={"policy": base()})
        while (previous := live()).pk != version.pk:
            if _flip(previous, version):
                Activation.objects.create(
                    alias=LIVE_ALIAS, policy=version, previous=previous, by=by
                )
                break
    return version


def _flip(previous: PolicyVersion, version: PolicyVersion) -> bool:
    """Point the alias elsewhere if it still points where we think; says whether it did."""
    alias = ServingAlias.objects.filter(name=LIVE_ALIAS, policy=previous)
    return bool(alias.update(policy=version, changed_at=timezone.now()))


def _hold_ready(version: PolicyVersion) -> None:
    """Keep a ready version from being retired until this transaction ends."""
    if not PolicyVersion.objects.filter(pk=version.pk, state=State.READY).update(state=State.READY):
        version.refresh_from_db()
        raise PolicyNotServable(
            f"{version.name} is {version.state}: {version.get_state_display()}."
        )
