"""The reward worker's part in memory that is learned from use: lessons described, probes made.

A lesson's texts are kept until they are described. What is learned is worked out from all lessons
each time; see `learning.memory.teaching`.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from jaxtyping import Float
from numpy import ndarray

from inference.diffusion import Block
from inference.diffusion.marker import readings
from learning import wishes
from learning.memory import probe as probes
from learning.memory.probe import Probe
from learning.memory.teaching import Taught, taught, verdict
from learning.models import MemoryLesson, MemoryVersion, Participant
from learning.worker.loaded import Workshop

State = MemoryVersion.State
Features = Float[ndarray, " feature"]

# Sentences of one lesson, of each side.
MOST_SENTENCES = 4
# Judgements, for which somebody waits, get their turn in between.
LESSONS_AT_ONCE = 16
# Of one person the newest count.
NEWEST_OF_PERSON = 64


def in_use(shipped: Probe) -> Probe:
    """The probe that reads: the live version, where it was learned from this one, or this one."""
    row = MemoryVersion.objects.filter(state=State.LIVE, around=name_of(shipped)).first()
    if row is None or row.weights is None:
        return shipped
    return Probe(np.frombuffer(bytes(row.weights), dtype=np.float32), row.bias)


def name_of(shipped: Probe) -> str:
    digest = hashlib.sha256(shipped.weights.tobytes())
    digest.update(np.float64(shipped.bias).tobytes())
    return digest.hexdigest()


def describe_some(workshop: Workshop, shipped: Probe) -> bool:
    """Describe some of the lessons that wait; says whether others still do."""
    waiting = MemoryLesson.objects.filter(said__isnull=False)
    for row in waiting[:LESSONS_AT_ONCE]:
        assert row.said is not None
        wanted, others = _described(row.said, workshop, shipped)
        MemoryLesson.objects.filter(pk=row.pk).update(
            said=None,
            features=np.concatenate([wanted, others]).astype(np.float32).tobytes(),
            wanted=len(wanted),
        )
    return waiting.exists()


def learn(workshop: Workshop, shipped: Probe, *, is_asked: bool) -> MemoryVersion | None:
    """Make a version from all lessons and use it if it passes; None where there is nothing new.

    After somebody went back to the shipped probe that takes being asked.
    """
    newest = MemoryVersion.objects.order_by("-number").first()
    if newest is not None and newest.state == State.SHIPPED and not is_asked:
        return None
    signals = _signals()
    if not signals:
        _none_to_make_anew()
        return None
    around = name_of(shipped)
    if newest is not None and (newest.state, newest.lessons, newest.around) in [
        (state, signals, around) for state in (State.LIVE, State.REFUSED)
    ]:
        return None
    lessons = _lessons(signals, len(shipped.weights))
    yardstick = workshop.yardstick
    made = taught(shipped, lessons, yardstick)
    used = in_use(shipped)
    said = verdict(made, shipped=shipped, used=used, lessons=lessons, yardstick=yardstick)
    return _write(made if said.passed else None, said.reason, signals, around)


@transaction.atomic
def _write(made: Probe | None, reason: str, signals: list[UUID], around: str) -> MemoryVersion:
    """The version. Where a lesson went while it was made, it is one that is to be made anew."""
    locked = MemoryLesson.objects.select_for_update().filter(pk__in=signals).order_by("pk")
    len(locked)
    if _signals() != signals:
        reason = "Something it learned from was taken back meanwhile."
        return wishes.add_version(State.WITHDRAWN, reason, around=around)
    _none_to_make_anew()
    values = {"around": around, "lessons": signals}
    if made is None:
        return wishes.add_version(State.REFUSED, reason, **values)
    MemoryVersion.objects.filter(state=State.LIVE).update(state=State.RETIRED)
    weights = made.weights.tobytes()
    return wishes.add_version(State.LIVE, reason, weights=weights, bias=made.bias, **values)


def _none_to_make_anew() -> None:
    MemoryVersion.objects.filter(state=State.WITHDRAWN).update(state=State.RETIRED)


def _signals() -> list[UUID]:
    """The lessons that count, in an order of their own: of each person the newest."""
    left_out = Participant.objects.exclude(left_out_at=None).values("person")
    newest = Window(RowNumber(), partition_by="person", order_by=[F("created_at").desc(), "pk"])
    rows = MemoryLesson.objects.exclude(features=None).exclude(person__in=left_out)
    rows = rows.annotate(place=newest).filter(place__lte=NEWEST_OF_PERSON)
    return sorted(rows.values_list("pk", flat=True))


def _lessons(signals: list[UUID], dimensions: int) -> list[Taught]:
    rows = MemoryLesson.objects.filter(pk__in=signals).order_by("pk")
    return [_taught(row, dimensions) for row in rows]


def _taught(row: MemoryLesson, dimensions: int) -> Taught:
    found = np.frombuffer(bytes(row.features or b""), dtype=np.float32).reshape(-1, dimensions)
    return Taught(row.person, found[: row.wanted], found[row.wanted :])


def _described(
    said: dict[str, Any], workshop: Workshop, shipped: Probe
) -> tuple[Float[ndarray, "sentence feature"], Float[ndarray, "other feature"]]:
    """The wanted sentences; and of each block that was kept the one that reads as likeliest, since
    that kept it."""
    blocks = [Block(**{**each, "needs": ()}) for each in said["blocks"]]
    wanted: list[Features] = []
    others: dict[int, list[tuple[float, int, Features]]] = {}
    encode = workshop.tokenizer.encode
    for reading in readings(blocks, {block.id for block in blocks}, encode, plain=True):
        features = probes.describe(workshop.base, reading, blocks)
        for (block, number), each, read in zip(
            reading.asked, features, shipped.log_odds(features), strict=True
        ):
            if block != said["wanted"]:
                others.setdefault(block, []).append((float(read), number, each))
            elif number in said["numbers"]:
                wanted.append(each)
    kept = [max(block, key=lambda each: each[:2])[2] for block in others.values()]
    return np.stack(wanted[:MOST_SENTENCES]), np.stack(kept[:MOST_SENTENCES])
