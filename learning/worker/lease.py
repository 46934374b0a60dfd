"""Who may work on an update: the learner that took it, for as long as it gives signs of life.

An update's `attempts` is its fencing number. A learner that was taken for dead and comes back
finds another number there, and every write of its fails with LeaseLost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone

from learning.errors import LeaseLost
from learning.models import Update
from learning.queue import STALE_AFTER

logger = logging.getLogger(__name__)
BEAT_EVERY_S = 5.0
MAX_ATTEMPTS = 2
State = Update.State


@dataclass(frozen=True, slots=True)
class Lease:
    update_id: UUID
    attempt: int

    def save(self, **values: Any) -> None:
        """Write to the update's row. Raises LeaseLost."""
        held = Update.objects.filter(
            pk=self.update_id, attempts=self.attempt, state__in=Update.RUNNING
        )
        if not held.update(heartbeat_at=timezone.now(), **values):
            raise LeaseLost(f"update {self.update_id} belongs to another learner by now")

    def finish(self, state: State, reason: str) -> None:
        self.save(state=state, reason=reason, finished_at=timezone.now())

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Give signs of life from a thread, since a training step takes longer than patience."""
        stopped = threading.Event()
        thread = threading.Thread(target=self._beat, args=(stopped,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _beat(self, stopped: threading.Event) -> None:
        try:
            while not stopped.wait(BEAT_EVERY_S):
                try:
                    self.save()
                except LeaseLost:
                    return
                except DatabaseError as error:
                    logger.warning("no sign of life of update %s: %s", self.update_id, error)
        finally:
            connection.close()


def take(update_id: UUID) -> Lease | None:
    """Take an update that waits, or whose learner died; None if there is nothing to do.

    One that has killed its learner twice is given up.
    """
    now = timezone.now()
    update = Update.objects.filter(pk=update_id, state__in=Update.RUNNING).first()
    if update is None:
        return None
    free = Update.objects.filter(pk=update_id, attempts=update.attempts)
    if update.state == State.QUEUED:
        free = free.filter(state=State.QUEUED)
    else:
        free = free.filter(state__in=Update.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
    if update.attempts >= MAX_ATTEMPTS:
        free.update(
            state=State.FAILED,
            reason="The learner died in the middle of it, twice.",
            finished_at=now,
        )
        return None
    taken = free.update(
        state=State.TRAINING, attempts=F("attempts") + 1, heartbeat_at=now, gates=[]
    )
    return Lease(update_id, update.attempts + 1) if taken else None
