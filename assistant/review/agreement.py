"""How far reviewers agree who decided the same items without knowing of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.models import Decision

NEWEST = 2000


@dataclass(frozen=True, slots=True)
class Agreement:
    """`percent` is null without any pair; `kappa` also where chance alone would always agree."""

    pairs: int
    percent: float | None
    kappa: float | None


def measured() -> Agreement:
    """Over the newest items that were decided twice."""
    seconds = Decision.objects.filter(is_second=True, undone_at=None).order_by("-made_at")
    chosen = list(seconds.values_list("item", "verdict")[:NEWEST])
    firsts = dict(
        Decision.objects.filter(item__in=[item for item, _ in chosen], is_second=False)
        .filter(undone_at=None)
        .order_by("-made_at")
        .values_list("item", "verdict")
    )
    return agreement([(firsts[item], second) for item, second in chosen if item in firsts])


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Cohen's kappa: how far they agree beyond what their habits alone would make them agree.

    Paper: Cohen 1960, "A Coefficient of Agreement for Nominal Scales"
    """
    if not pairs:
        return Agreement(0, None, None)
    number = len(pairs)
    observed = sum(first == second for first, second in pairs) / number
    one, two = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    expected = sum(one[verdict] * two[verdict] for verdict in one) / number**2
    kappa = None if expected == 1 else (observed - expected) / (1 - expected)
    return Agreement(number, 100 * observed, kappa)
