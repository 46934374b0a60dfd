"""What the benchmarks with simulated people share: settings, and a Danas for one run.

Each run has a Danas of its own, since learning keeps what it was told. A run that was interrupted
is done again; those before it are read from the journal.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks import report
from tests.simulation.journal import Journal
from tests.simulation.session import Accounts, Opened
from tests.system.stack import Stack

FOLDER = report.ROOT / ".danas" / "bench"


@dataclass(frozen=True, slots=True)
class Settings:
    """`minutes`: no further run is begun after so many of them."""

    is_quick: bool = False
    seeds: int = 5
    families: tuple[str, ...] = ("length",)
    minutes: float | None = None
    resume: bool = False
    _started: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        spent = (time.monotonic() - self._started) / 60
        return self.minutes is not None and spent > self.minutes

    @property
    def runs(self) -> list[tuple[str, int]]:
        """A seed, a run: the families take turns, so that few runs say something of many wishes."""
        return [(self.families[seed % len(self.families)], seed) for seed in range(self.seeds)]


def journal_of(name: str, settings: Settings) -> Journal:
    """The journal of a benchmark; a new one unless an earlier run is to be gone on with."""
    path = FOLDER / f"{name}{'-quick' if settings.is_quick else ''}.jsonl"
    if not settings.resume and path.exists():
        path.replace(path.with_suffix(".before.jsonl"))
    return Journal(path)


@asynccontextmanager
async def danas(people: int, **environment: str | None) -> AsyncIterator[Accounts]:
    """Start Danas with an administrator, so many people, and somebody who only measures.

    Nothing is learned but on request, with the product's own hyperparameters.
    """
    never = {"DANAS_UPDATE_EVENTS": "1000000", "DANAS_UPDATE_HOURS": "1000000"}
    stack = Stack(DANAS_SIGNUP="open", DANAS_UPDATE_STEPS=None, **never, **environment)
    try:
        print(f"Danas started in {stack.start():.0f} s", flush=True)
        key = stack.create_user("bench", "--role", "admin", "--training", "off")
        async with Opened(stack.url, key, people) as accounts:
            yield accounts
    finally:
        stack.stop()
        stack.remove()


def told(update: dict[str, Any]) -> str:
    """An update in a few words."""
    refused = f" by {', '.join(update['refused by'])}" if update["refused by"] else ""
    return f"{update['state']}{refused}"


def say(words: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {words}", flush=True)
