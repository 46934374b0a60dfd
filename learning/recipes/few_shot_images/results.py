"""What came out, seed by seed, and the tables made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from learning.recipes.few_shot_images import accuracy
from learning.recipes.few_shot_images.accuracy import Interval

SPEAKER = "tuned vision-language model"


@dataclass(frozen=True, slots=True)
class Score:
    """One method, one number of examples a class, one seed."""

    method: str
    shots: int
    seed: int
    right: int
    asked: int
    seconds: float


@dataclass(slots=True)
class Results:
    """`setting` is what the run was asked for, as written down beside the scores."""

    gallery: str
    setting: dict[str, object]
    scores: list[Score] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Results:
        kept = json.loads(path.read_text())
        return cls(kept["gallery"], kept["setting"], [Score(**each) for each in kept["scores"]])

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(score.method for score in self.scores))

    @property
    def shots(self) -> list[int]:
        return sorted({score.shots for score in self.scores})

    def has(self, method: str, shots: int, seed: int) -> bool:
        return any((s.method, s.shots, s.seed) == (method, shots, seed) for s in self.scores)

    def interval(self, method: str, shots: int) -> Interval | None:
        found = self._of(method, shots)
        if not found:
            return None
        return accuracy.of([s.right for s in found], [s.asked for s in found])

    def lead(self, method: str, over: str, shots: int) -> Interval | None:
        """How much better, on the same examples and tests; needs two seeds."""
        pairs = zip(self._of(method, shots), self._of(over, shots), strict=False)
        leads = [a.right / a.asked - b.right / b.asked for a, b in pairs if a.seed == b.seed]
        return accuracy.over_seeds(leads, least=-1.0) if len(leads) > 1 else None

    def _of(self, method: str, shots: int) -> list[Score]:
        found = [s for s in self.scores if (s.method, s.shots) == (method, shots)]
        return sorted(found, key=lambda score: score.seed)

    def table(self) -> str:
        """Markdown: accuracy in per cent with its interval, a row a method."""
        return _table(
            ["examples a class", *map(str, self.shots)],
            ([method, *map(_said, self._row(method))] for method in self.methods),
        )

    def leads(self) -> str:
        """Markdown: how many points the tuned model is ahead of each other method. Needs two
        seeds: with one, it is empty."""
        if len({score.seed for score in self.scores}) < 2:
            return ""
        others = [method for method in self.methods if method != SPEAKER]
        shots = [number for number in self.shots if number]
        rows = ((o, *(_said(self.lead(SPEAKER, o, n), "+") for n in shots)) for o in others)
        return _table([f"{SPEAKER}, ahead of", *map(str, shots)], rows)

    def _row(self, method: str) -> list[Interval | None]:
        return [self.interval(method, number) for number in self.shots]


def _said(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return ""
    mean, low, high = (100 * value for value in (interval.mean, interval.low, interval.high))
    return f"{mean:{sign}.0f} ({low:{sign}.0f} to {high:{sign}.0f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
