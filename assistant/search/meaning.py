"""Giving entries their vectors, a batch at a time, some seconds after they were written."""

from __future__ import annotations

from django.db import transaction
from pgvector import HalfVector

from assistant.models import SearchMeaning
from learning.embedding import embed

BATCH = 128
# One task's share; Beat asks again soon.
MOST_BATCHES = 40


def fill_in() -> int:
    """Make the vectors that are missing; two workers never make the same ones.

    Returns:
        How many were made.
    """
    made = 0
    for _ in range(MOST_BATCHES):
        count = _fill_batch()
        made += count
        if count < BATCH:
            break
    return made


@transaction.atomic
def _fill_batch() -> int:
    missing = SearchMeaning.objects.select_for_update(of=("self",), skip_locked=True)
    rows = list(missing.filter(vector=None).select_related("entry")[:BATCH])
    vectors = embed([row.entry.text for row in rows])
    for row, vector in zip(rows, vectors, strict=True):
        row.vector = HalfVector(vector)
    understood = [row for row, vector in zip(rows, vectors, strict=True) if vector.any()]
    SearchMeaning.objects.bulk_update(understood, ["vector"])
    # Without a word that the vectors know there is nothing near it.
    nothing = [row.pk for row, vector in zip(rows, vectors, strict=True) if not vector.any()]
    SearchMeaning.objects.filter(pk__in=nothing).delete()
    return len(rows)
