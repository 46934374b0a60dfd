"""Who answers a person: the live policy, a version that they stay at, or an adapter of their own.

Whoever has judged enough gets an adapter that is trained on their judgements alone, starting from
the version that was live. It answers them and nobody else, and their next update goes on from it.
When a new version goes live, personal adapters stay as they are; their owners can ask for the live
policy.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from inference import registry, routing
from inference.models import PersonalAlias, PolicyChoice
from learning import canary, readiness
from learning.errors import NothingToLearnFrom
from learning.intake import PAUSE_AFTER_FAILURE
from learning.models import Update

LIVE, PERSONAL = "live", "personal"


@dataclass(frozen=True, slots=True)
class Standing:
    """`choice` is live, base, personal or a version's name; `answers` the version that answers now.

    `policy` is the person's own adapter, if there is one; it takes `needed` judgements to make one,
    of which there are `judgements`. `versions` are those that may be chosen by name.
    """

    choice: str
    answers: str
    policy: str | None
    judgements: int
    needed: int
    versions: list[str]


def standing(person: int) -> Standing:
    own = PersonalAlias.objects.select_related("policy").filter(person=person).first()
    return Standing(
        choice=_choice(person, own),
        answers=routing.policy_for(person, registry.LIVE_ALIAS).name,
        policy=own.policy.name if own else None,
        judgements=readiness.personal_judgements(person),
        needed=settings.PERSONAL_EVENTS,
        versions=[version.name for version in routing.usable(person) if version.number > 0],
    )


def _choice(person: int, own: PersonalAlias | None) -> str:
    chosen = PolicyChoice.objects.select_related("policy").filter(person=person).first()
    if chosen is None:
        return PERSONAL if own else LIVE
    return chosen.policy.name if chosen.policy else LIVE


def choose(person: int, choice: str) -> None:
    """Have a person answered by `choice` (see `Standing`) from their next request on.

    Raises:
        NothingToLearnFrom: they want an adapter of their own and have none yet.
        UnknownPolicy, PolicyNotServable: there is no such version for them.
    """
    if choice == PERSONAL:
        if not PersonalAlias.objects.filter(person=person).exists():
            raise NothingToLearnFrom(
                readiness.personal_refusal(person)
                or "Your own adapter is yet to be trained; ask for an update."
            )
        PolicyChoice.objects.filter(person=person).delete()
        return
    is_live = choice in (LIVE, registry.LIVE_ALIAS)
    version = None if is_live else registry.resolve(choice, person)
    PolicyChoice.objects.update_or_create(person=person, defaults={"policy": version})


def due_for_update() -> int | None:
    """The person who has judged most since their own adapter was trained, if that is enough."""
    if Update.objects.filter(state__in=Update.RUNNING).exists() or readiness.frozen():
        return None
    recent = timezone.now() - PAUSE_AFTER_FAILURE
    personal = Update.objects.exclude(person=None)
    failed = personal.filter(state=Update.State.FAILED)
    new = readiness.own_judgements().exclude(
        used_in__update__in=personal.exclude(state=Update.State.FAILED)
    )
    new = new.exclude(person__in=failed.filter(finished_at__gt=recent).values("person"))
    counted = new.order_by().values("person").annotate(judgements=Count("pk"))
    most = counted.order_by("-judgements", "person").first()
    if most is None or most["judgements"] < settings.PERSONAL_EVENTS:
        return None
    return int(most["person"])


@transaction.atomic
def forget_person(person: int) -> None:
    """Withdraw a person's own adapters, their choice, and what trials know of them.

    An update that makes them an adapter right now loses its row, and with it the right to go on.
    Engines and storage are cleared of the adapters within a minute (`inference.eviction`).
    """
    Update.objects.filter(person=person).delete()
    registry.forget_person(person)
    canary.forget_person(person)
