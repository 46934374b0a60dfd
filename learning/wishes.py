"""The door through which learning hears what should have been kept in a conversation's memory.

Everything here runs inside the caller's transaction, may be called twice, and touches learning's
own rows only. Whatever takes a lesson away takes the probes away that were learned from it; the
shipped one reads until the reward worker has learned from the others anew. Rows of lessons are
deleted, or locked, before versions are looked at: `worker.memories` locks them before it writes a
version, so none can slip through with a lesson that is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet

from learning.contracts import Wish
from learning.models import MemoryLesson, MemoryVersion

State = MemoryVersion.State


def hand_over(wish: Wish) -> None:
    """Hand over what a consenting person wished had been kept. Once is enough."""
    said = {
        "blocks": [asdict(block) for block in wish.blocks],
        "wanted": wish.wanted,
        "numbers": list(wish.numbers),
    }
    MemoryLesson.objects.get_or_create(
        pk=wish.signal,
        defaults={"person": wish.person, "sources": list(wish.sources), "said": said},
    )


def standing(signals: Collection[UUID]) -> set[UUID]:
    """Which of these were handed over and not taken back."""
    return set(MemoryLesson.objects.filter(pk__in=signals).values_list("pk", flat=True))


def handed_over(person: int) -> Iterator[dict[str, Any]]:
    """What learning has of a person's wishes, as JSON types, the oldest first: the messages that
    each comes from, the blocks' texts until they are numbers, and the versions learned from it."""
    for lesson in MemoryLesson.objects.filter(person=person):
        learned = MemoryVersion.objects.filter(lessons__contains=[lesson.pk])
        yield {
            "messages": [str(source) for source in lesson.sources],
            "texts": [block["text"] for block in lesson.said["blocks"]] if lesson.said else None,
            "created_at": lesson.created_at.isoformat(),
            "learned_in": list(learned.order_by("number").values_list("number", flat=True)),
        }


def take_back(signal: UUID) -> None:
    _forget(MemoryLesson.objects.filter(pk=signal))


def forget_sources(messages: Collection[UUID]) -> None:
    """Delete what came from these messages."""
    _forget(MemoryLesson.objects.filter(sources__overlap=list(messages)))


def forget_person(person: int) -> None:
    _forget(MemoryLesson.objects.filter(person=person))


@transaction.atomic
def withdraw_person(person: int) -> None:
    """Have the probe be learned anew: whether this person's lessons count is changing."""
    rows = MemoryLesson.objects.select_for_update().filter(person=person)
    _withdraw(list(rows.values_list("pk", flat=True)))


@transaction.atomic
def go_back(by: str) -> int:
    """Have the shipped probe read again, until somebody asks for learning; the version's number."""
    MemoryVersion.objects.filter(state__in=(State.LIVE, State.WITHDRAWN)).update(
        state=State.RETIRED
    )
    reason = f"{by} went back to the probe that Danas came with."
    return add_version(State.SHIPPED, reason).number


def add_version(state: State, reason: str, **values: object) -> MemoryVersion:
    """The next number; whoever comes second at the same moment fails."""
    last = MemoryVersion.objects.aggregate(last=Max("number"))["last"] or 0
    return MemoryVersion.objects.create(number=last + 1, state=state, reason=reason, **values)


@transaction.atomic
def _forget(lessons: QuerySet[MemoryLesson]) -> None:
    signals = list(lessons.values_list("pk", flat=True))
    if signals:
        MemoryLesson.objects.filter(pk__in=signals).delete()
        _withdraw(signals)


def _withdraw(signals: list[UUID]) -> None:
    learned = MemoryVersion.objects.filter(lessons__overlap=signals)
    learned.filter(state=State.LIVE).update(state=State.WITHDRAWN)
    learned.update(weights=None)
