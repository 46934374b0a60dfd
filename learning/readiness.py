"""Whether a policy may learn now, and if not, why; for the website as for the learner.

Only numbers are looked at that the reward worker has written down, so this needs neither a head
nor features.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet, Sum

from learning.contracts import FeedbackKind
from learning.models import Alarm, Judgement, Participant, Update
from learning.reward import words
from learning.reward.validation import TELLING, WINDOW, Prediction, judge_readiness

Use = Judgement.Use


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the next update by schedule waits for.

    `frozen` is why nothing is trained, empty where training may go on; `next_reason` what else is
    waited for, empty where one may start.
    """

    frozen: str
    effective_events: float
    needed_events: int
    next_reason: str


def refusal(*, by_hand: bool) -> str:
    """A sentence why no update may start or go on now; empty where one may."""
    return frozen() or _doubt(by_hand=by_hand)


def frozen() -> str:
    """Why nothing is trained: the sentence of the open alarm; empty without one."""
    alarm = Alarm.objects.filter(closed_at=None, freezes_training=True).first()
    return f"Training is frozen by an alarm: {alarm.sentence}" if alarm else ""


def outlook() -> Outlook:
    events, needed = effective_events(), settings.UPDATE_EVENTS
    return Outlook(
        frozen=frozen(),
        effective_events=round(events, 2),
        needed_events=needed,
        next_reason=_next_reason(events, needed),
    )


def effective_events() -> float:
    """New judgements since the last update, each counting as much as the caps let it."""
    total: float | None = new_judgements().aggregate(weight=Sum("weight"))["weight"]
    return total or 0.0


def new_judgements() -> QuerySet[Judgement]:
    """What the reward head learned from and no update for everybody has been trained on."""
    trained = Update.objects.filter(person=None).exclude(state=Update.State.FAILED)
    learned = own_judgements().filter(weight__gt=0)
    return learned.exclude(used_in__update__in=trained)


def personal_judgements(person: int) -> int:
    """How many judgements an adapter of this person's own could learn from."""
    return own_judgements().filter(person=person).count()


def personal_refusal(person: int) -> str:
    """Why no adapter of their own can be trained for a person yet; empty where one can."""
    if Participant.objects.filter(person=person, is_held_out=True).exists():
        return (
            "Your judgements are among the tenth that is kept aside to measure what was learned, "
            "so no adapter is trained on them."
        )
    said, needed = personal_judgements(person), settings.PERSONAL_EVENTS
    if said >= needed:
        return ""
    return f"An adapter of your own takes {needed} judgements; there are {said} so far."


def own_judgements() -> QuerySet[Judgement]:
    """What adapters of people's own can learn from, each from what its owner said.

    Of what was set aside (kept to measure, dictated, left out) they learn as little as the policy
    for everybody does.
    """
    standing = Judgement.objects.filter(revoked_at=None, rejected_at=None, use=Use.LEARNED)
    return standing.exclude(version=None)


def predictions(*uses: Judgement.Use, since: int = 0, most: int = WINDOW) -> list[Prediction]:
    """What the head thought of the newest judgements before it took them in, oldest first."""
    rows = Judgement.objects.filter(
        revoked_at=None,
        use__in=uses,
        predicted__isnull=False,
        weight__gte=TELLING,
        version__gt=since,
    )
    newest = rows.order_by("-version").only("kind", "text", "tags", "predicted")[:most]
    return [_prediction(row) for row in reversed(newest)]


def _prediction(row: Judgement) -> Prediction:
    assert row.predicted is not None
    if row.kind == FeedbackKind.COMMENT:
        return Prediction(row.predicted, words.read(row.text, row.tags).is_praise)
    if row.kind in (FeedbackKind.UP, FeedbackKind.DOWN):
        return Prediction(row.predicted, row.kind == FeedbackKind.UP)
    return Prediction(row.predicted)


def _next_reason(events: float, needed: int) -> str:
    if Update.objects.filter(state__in=Update.RUNNING).exists():
        return "An update is running."
    if events < needed:
        return f"{events:.1f} of {needed} new judgements have come in."
    return _doubt(by_hand=False)


def _doubt(*, by_hand: bool) -> str:
    """Why the reward model does not know well enough what people want; empty where it does."""
    return judge_readiness(predictions(Use.LEARNED, Use.HELD_OUT), by_hand=by_hand)
