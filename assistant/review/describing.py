"""What is found out about an item after it was made: its meaning, marks, and who disagrees.

Runs on the worker `default`, in order of age, and may run twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from pgvector.django import CosineDistance

from assistant.models import Contradiction, ReviewItem
from assistant.review import filters, marks
from learning.embedding import embed

AT_ONCE = 50
# Two texts this close in meaning (cosine) are about the same thing.
SIMILAR = 0.75
NEIGHBOURS = 20

REFRESH = """
    UPDATE assistant_reviewitem i
       SET influence = j.influence, unsure = 4 * j.predicted * (1 - j.predicted),
           priority = coalesce(j.influence * 4 * j.predicted * (1 - j.predicted), 0)
      FROM learning_judgement j
     WHERE j.feedback = i.feedback_id AND i.state = 'pending'
       AND (i.influence IS DISTINCT FROM j.influence
            OR i.unsure IS DISTINCT FROM 4 * j.predicted * (1 - j.predicted))
"""


def describe_all() -> int:
    """Describe whatever is not; the number of items."""
    done = 0
    while described := _describe_some():
        done += described
    return done


def refresh() -> int:
    """Take over how much each judgement moved the reward model, and how unsure it was; the number
    of items whose place in the queue this changed."""
    with connection.cursor() as cursor:
        cursor.execute(REFRESH)
        return int(cursor.rowcount)


def texts_of(item: ReviewItem) -> dict[str, str]:
    """An item's texts by the names that spans use."""
    path = {f"path.{place}": said["text"] for place, said in enumerate(item.path)}
    return {**path, "answer": item.answer, "over": item.over, "said": item.said}


def similar(item: ReviewItem, *, most: int = NEIGHBOURS) -> list[tuple[ReviewItem, float]]:
    """The items closest in meaning with their cosines, the closest first; of people who agree to
    training, which the statement itself looks at."""
    meaning = ReviewItem.objects.filter(pk=item.pk).values_list("meaning", flat=True).first()
    if meaning is None:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        # The index looks for neighbours first and filters after; told so, it goes on looking.
        cursor.execute("SET LOCAL hnsw.iterative_scan = 'relaxed_order'")
        rows = (
            filters.readable()
            .filter(meaning__isnull=False)
            .exclude(pk=item.pk)
            .select_related("holder")
            .annotate(distance=CosineDistance("meaning", meaning))
            .order_by("distance")[:most]
        )
        found = [(row, 1 - row.distance) for row in rows]
    # As the index finds them they are only roughly in order.
    found.sort(key=lambda pair: -pair[1])
    return [(row, closeness) for row, closeness in found if closeness >= SIMILAR]


def _describe_some() -> int:
    waiting = ReviewItem.objects.filter(described_at=None).order_by("created_at")
    items = list(waiting.defer("document", "meaning")[:AT_ONCE])
    meanings = embed([item.words for item in items])
    for item, meaning in zip(items, meanings, strict=True):
        _write(item, meaning if meaning.any() else None)
    for item in items:
        _finish(item)
    return len(items)


@transaction.atomic
def _write(item: ReviewItem, meaning: Any) -> None:
    if not _is_as_read(item):
        return
    found = [
        {"where": where, "start": mark.start, "end": mark.end, "kind": mark.kind}
        for where, text in texts_of(item).items()
        for mark in marks.find(text)
    ]
    ReviewItem.objects.filter(pk=item.pk).update(meaning=meaning, pii=found, has_pii=bool(found))


@transaction.atomic
def _finish(item: ReviewItem) -> None:
    """What a worker leaves undone that is lost before this is done by the next one."""
    if not _is_as_read(item):
        return
    Contradiction.objects.filter(Q(item=item) | Q(other=item)).delete()
    if item.polarity:
        _note_contradictions(item)
    ReviewItem.objects.filter(pk=item.pk).update(described_at=timezone.now())


def _is_as_read(item: ReviewItem) -> bool:
    """Whether its texts are still those that were read, which they stay until the commit: a
    redaction may have come between."""
    now = ReviewItem.objects.select_for_update(no_key=True).filter(pk=item.pk).first()
    return now is not None and texts_of(now) == texts_of(item)


def _note_contradictions(item: ReviewItem) -> None:
    against = [
        (row.pk, closeness)
        for row, closeness in similar(item)
        if row.polarity == -item.polarity and row.person_id != item.person_id
    ]
    _oppose(item.pk, against)


def _oppose(item: UUID, others: Sequence[tuple[UUID, float]]) -> None:
    rows = [
        Contradiction(item_id=one, other_id=two, closeness=closeness)
        for other, closeness in others
        for one, two in ((item, other), (other, item))
    ]
    # In one order everywhere: another worker may be writing the same ones.
    rows.sort(key=lambda row: (row.item_id, row.other_id))
    Contradiction.objects.bulk_create(rows, ignore_conflicts=True)
