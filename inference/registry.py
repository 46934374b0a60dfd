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
from inference.models import (
    Activation,
    PersonalAlias,
    PolicyChoice,
    PolicyVersion,
    ServingAlias,
)

if TYPE_CHECKING:
    from pathlib import Path

LIVE_ALIAS = "danas"
MEMORY_ALIAS = "memory"
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


def live(alias: str = LIVE_ALIAS) -> PolicyVersion:
    """The version that answers today, or remembers: the base until another one was activated."""
    row = ServingAlias.objects.select_related("policy").filter(name=alias).first()
    return row.policy if row else base()


def resolve(model: str, person: int | None = None) -> PolicyVersion:
    """The version behind `model`: `danas` (the live one), `base` or a version's name.

    `inference.routing` says who is answered by what where people ask for `danas`.

    Raises:
        UnknownPolicy: there is no such model, or it is somebody else's own adapter.
        PolicyNotServable: it failed a gate, has not passed them yet, or was withdrawn.
    """
    if model == LIVE_ALIAS:
        return live()
    if model == BASE_NAME:
        return base()
    version = named(model)
    if version.person not in (None, person) or version.alias != LIVE_ALIAS:
        raise UnknownPolicy(f"There is no model {model!r}.")
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
    """Every version that answers, newest first."""
    return PolicyVersion.objects.select_related("parent").filter(alias=LIVE_ALIAS)


def name_of(number: int, digest: str, alias: str = LIVE_ALIAS) -> str:
    return f"{alias}-v{number}-{digest[:8]}"


def stage(
    path: Path | str,
    digest: str,
    parent: PolicyVersion,
    manifest: dict[str, Any],
    person: int | None = None,
    alias: str = LIVE_ALIAS,
) -> PolicyVersion:
    """Enter an adapter that was written whole (`inference.engine.adapters`), under the next number.

    `person` is whose own adapter it is; None for one that is to answer everybody. `alias` is what
    it was trained to do.

    Raises:
        IntegrityError: other processes took the next number every time.
    """
    for _ in range(TRIES - 1):
        try:
            return _stage(path, digest, parent, manifest, person, alias)
        except IntegrityError:
            continue
    return _stage(path, digest, parent, manifest, person, alias)


def _stage(
    path: Path | str,
    digest: str,
    parent: PolicyVersion,
    manifest: dict[str, Any],
    person: int | None,
    alias: str,
) -> PolicyVersion:
    highest = PolicyVersion.objects.aggregate(highest=Max("number"))["highest"]
    number = (highest or 0) + 1
    with transaction.atomic():
        return PolicyVersion.objects.create(
            name=name_of(number, digest, alias),
            alias=alias,
            number=number,
            digest=digest,
            path=str(path),
            base_model=str(settings.MODEL),
            parent=parent,
            person=person,
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


def give_own(version: PolicyVersion) -> None:
    """Let a ready personal adapter answer its owner from the next request on.

    The one they had before stays ready, so that they can go back to it.
    """
    assert version.person is not None
    with transaction.atomic():
        _hold_ready(version)
        PersonalAlias.objects.update_or_create(person=version.person, defaults={"policy": version})


@transaction.atomic
def forget_person(person: int) -> None:
    """Withdraw a person's own adapters for good, and what they chose to be answered by.

    The rows stay, withdrawn and nobody's, since a name is never used again; what they knew of
    the person goes. `inference.eviction` unloads the adapters and deletes their files.
    """
    # The versions first: whoever is about to hand one over (`give_own`) waits, and then sees it.
    own = PolicyVersion.objects.filter(person=person)
    own.update(state=State.RETIRED, person=None, manifest={"deleted": True})
    PolicyChoice.objects.filter(person=person).delete()
    PersonalAlias.objects.filter(person=person).delete()


def _move(version: PolicyVersion, old: State, new: State, **values: Any) -> PolicyVersion:
    moved = PolicyVersion.objects.filter(pk=version.pk, state=old).update(state=new, **values)
    version.refresh_from_db()
    if not moved and version.state != new:
        raise PolicyNotServable(f"{version.name} is {version.state}, so it cannot become {new}.")
    return version


def activate(name: str, by: str, alias: str = LIVE_ALIAS) -> Activation | None:
    """Let a version answer from the next request on. Going back is activating an older one.

    With `alias` "memory" it decides from now on what is remembered.

    Returns:
        The flip; None where the version was live already.

    Raises:
        UnknownPolicy: there is no version of that name.
        PolicyNotServable: it is not ready, is one person's own, or was trained for something else.
    """
    version = base() if name == BASE_NAME else named(name)
    if name != BASE_NAME and version.alias != alias:
        raise PolicyNotServable(f"{name} was not trained to answer as {alias}.")
    if version.person is not None:
        raise PolicyNotServable(f"{name} is one person's own adapter, so it can't answer everyone.")
    with transaction.atomic():
        _hold_ready(version)
        ServingAlias.objects.get_or_create(name=alias, defaults={"policy": base()})
        while (previous := live(alias)).pk != version.pk:
            if _flip(alias, previous, version):
                return Activation.objects.create(
                    alias=alias, policy=version, previous=previous, by=by
                )
    return None


def _flip(alias: str, previous: PolicyVersion, version: PolicyVersion) -> bool:
    """Point the alias elsewhere if it still points where we think; says whether it did."""
    row = ServingAlias.objects.filter(name=alias, policy=previous)
    return bool(row.update(policy=version, changed_at=timezone.now()))


def _hold_ready(version: PolicyVersion) -> None:
    """Keep a ready version from being retired until this transaction ends."""
    if not PolicyVersion.objects.filter(pk=version.pk, state=State.READY).update(state=State.READY):
        version.refresh_from_db()
        raise PolicyNotServable(
            f"{version.name} is {version.state}: {version.get_state_display()}."
        )
