"""A version that passed its gates is tried out with 5, then 25, then 100 % of people.

People are drawn by a hash (`inference.routing`), so the two arms differ by chance alone, and a
person stays in theirs. Four always-valid tests (`learning.evaluation.sequential`) watch what the
new version does to people: thumbs down, failed answers, time to the first token, time per token.
The 5 % that they may be wrong together are shared evenly. Once one of them says that the new
version is worse, everybody is answered by the live one again, from their next request on.

Without harm the share grows after `DANAS_CANARY_ANSWERS` answers, or `DANAS_CANARY_HOURS`; at once
where the new version is shown to be better, or where nobody falls into the share. After the last
share the version goes live.

What the comparison rests on where there are few people:

* A new thumb takes the latest old thumb that has no partner yet. Thumbs on the old version's
  answers from before the trial serve where the trial has none, as in an installation of one person;
  they were not given at random, so there the trial also shows what changed in the meantime.
* A failed answer without a partner is compared with one that did not fail.
* Times are compared only with those of the trial.
* Of one person's thumbs only the first 20 count, or a single angry person would decide; those of
  people who are left out of learning don't count at all.

Everything is worked out anew from the rows at each look, and every change is conditional on the
state that was seen, so two that look at once do no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from inference import registry
from inference.models import PolicyVersion, Split
from inference.routing import in_share
from learning import policies
from learning.contracts import FeedbackKind
from learning.evaluation import sequential
from learning.models import Alarm, Answer, Exposure, Judgement, Participant, Trial, Update

# The Celery task that looks at the trial.
ADVANCE = "assistant.advance_canary"
# A look that was asked for in vain is made by beat, which comes as often as this.
LOOK_EVERY_S = 15.0
SHARES = (5, 25, 100)
# A false alarm in 5 % of trials of equals, over all tests.
ALPHA = 0.05
TESTS = 4
DISLIKED_MARGIN = 0.05
FAILED_MARGIN = 0.02
SLOW_RATIO = 1.5
MOST_THUMBS = 20
MOST_THUMBS_BEFORE = 200
THUMBS = (FeedbackKind.UP, FeedbackKind.DOWN)
State = Trial.State


@dataclass(frozen=True, slots=True)
class Thumb:
    person: int
    is_new: bool
    is_down: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a trial has shown so far: wealth of each test's doubter, and counts for people."""

    disliked: float
    failing: float
    late: float
    slow: float
    better: float
    counts: dict[str, dict[str, float | None]]

    @property
    def harm(self) -> str:
        """Why the new version is to be withdrawn, in one sentence; empty where nothing says so."""
        enough = TESTS / ALPHA
        new, old = self.counts["new"], self.counts["old"]
        if self.failing >= enough:
            return (
                f"It was withdrawn: {new['failed']} of its {new['answers']} answers failed, "
                f"of the other version's {old['failed']} of {old['answers']}."
            )
        if self.disliked >= enough:
            return (
                f"It was withdrawn: people disliked {new['down']} of its {new['thumbs']} answers "
                f"that they judged, of the other version's {old['down']} of {old['thumbs']}."
            )
        if self.slow >= enough:
            return (
                f"It was withdrawn: it takes {_ms(new['token_ms'])} for a token, the other "
                f"version {_ms(old['token_ms'])}."
            )
        if self.late >= enough:
            return (
                f"It was withdrawn: it takes {_ms(new['first_token_ms'])} to its first token, the "
                f"other version {_ms(old['first_token_ms'])}."
            )
        return ""

    @property
    def is_better(self) -> bool:
        return self.better >= 1 / ALPHA

    @property
    def figures(self) -> dict[str, Any]:
        return {
            **self.counts,
            "evidence": {
                "disliked": round(self.disliked, 2),
                "failing": round(self.failing, 2),
                "late": round(self.late, 2),
                "slow": round(self.slow, 2),
                "better": round(self.better, 2),
            },
            "harm_at": TESTS / ALPHA,
            "better_at": 1 / ALPHA,
        }


def is_running() -> bool:
    return Trial.objects.filter(state=State.RUNNING).exists()


@transaction.atomic
def begin(update: Update, version: PolicyVersion, against: PolicyVersion) -> Trial:
    """Try out a ready version with the first share of people. The engines have to have it.

    Raises:
        IntegrityError: another trial is running.
    """
    trial = Trial.objects.create(
        update=update, policy=version.name, against=against.name, share=SHARES[0]
    )
    Split.objects.update_or_create(
        alias=registry.LIVE_ALIAS, defaults={"policy": version, "share": trial.share}
    )
    policies.tell(trial)
    return trial


def expose(
    policy: str,
    *,
    answer: UUID,
    person: int,
    is_new: bool,
    has_failed: bool,
    first_token_ms: float | None,
    token_ms: float | None,
) -> None:
    """Take down how an answer went that was given while `policy` was tried out.

    `is_new` is whether `policy` gave it. An answer that outlasts the trial is not taken down.
    """
    trial = Trial.objects.filter(policy=policy, state=State.RUNNING).first()
    if trial is None:
        return
    Exposure.objects.get_or_create(
        answer=answer,
        defaults={
            "trial": trial,
            "person": person,
            "is_new": is_new,
            "has_failed": has_failed,
            "first_token_ms": first_token_ms,
            "token_ms": token_ms,
        },
    )
    if is_new:
        transaction.on_commit(ask_for_a_look, robust=True)


def note_thumb(answer: UUID, is_down: bool | None) -> None:
    """Take down a thumb on an answer, or with None that it was taken back.

    A person's second thought takes the place of the first, at its place in the order.
    """
    first = Coalesce("judged_at", Now())
    if Exposure.objects.filter(pk=answer).update(is_down=is_down, judged_at=first):
        transaction.on_commit(ask_for_a_look, robust=True)


def forget_person(person: int) -> None:
    """Delete what trials know of a person."""
    Exposure.objects.filter(person=person).delete()


def ask_for_a_look() -> None:
    """Have the trial looked at now rather than at the next beat."""
    current_app.send_task(ADVANCE, expires=LOOK_EVERY_S)


def advance() -> None:
    """Look at the trial, if one runs: roll back, widen, make live, or wait."""
    trial = Trial.objects.filter(state=State.RUNNING).first()
    if trial is None:
        return
    if registry.live().name != trial.against:
        _stop(trial, "Its trial was stopped: the live policy was changed meanwhile.")
        return
    version = registry.named(trial.policy)
    if version.state != PolicyVersion.State.READY:
        _stop(trial, "Its trial was stopped: the version was withdrawn meanwhile.")
        return
    evidence = weigh(trial)
    Trial.objects.filter(pk=trial.pk, state=State.RUNNING).update(figures=evidence.figures)
    if harm := evidence.harm:
        _roll_back(trial, version, harm, evidence)
    elif reason := _reason_to_go_on(trial, evidence):
        if trial.share < SHARES[-1]:
            _widen(trial, reason)
        elif not _is_being_trained_from():
            _promote(trial, reason)


def weigh(trial: Trial) -> Evidence:
    """What the answers of a trial say about the two versions."""
    left_out = set(Participant.objects.exclude(left_out_at=None).values_list("person", flat=True))
    answers = list(trial.exposures.all())
    thumbs = _thumbs(answers, left_out)
    judged = sequential.pairs(
        [(thumb.is_new, thumb.is_down) for thumb in thumbs],
        before=[thumb.is_down for thumb in _thumbs_before(trial, left_out)],
    )
    failed = sequential.pairs([(each.is_new, each.has_failed) for each in answers], stand_in=False)
    return Evidence(
        disliked=sequential.worse(judged, DISLIKED_MARGIN),
        failing=sequential.worse(failed, FAILED_MARGIN),
        late=_slower((each.is_new, each.first_token_ms) for each in answers),
        slow=_slower((each.is_new, each.token_ms) for each in answers),
        better=sequential.better(judged),
        counts={
            arm: _counts(
                [each for each in answers if each.is_new is is_new],
                [thumb for thumb in thumbs if thumb.is_new is is_new],
            )
            for arm, is_new in (("new", True), ("old", False))
        },
    )


def _slower(times: Iterable[tuple[bool, float | None]]) -> float:
    known = [(is_new, time) for is_new, time in times if time is not None]
    return sequential.slower(sequential.pairs(known), SLOW_RATIO)


def _thumbs(answers: list[Exposure], left_out: set[int]) -> list[Thumb]:
    """The trial's thumbs that count, in the order in which they were given."""
    judged = [
        (each.judged_at, Thumb(each.person, each.is_new, each.is_down))
        for each in answers
        if each.is_down is not None and each.judged_at is not None
    ]
    return _counting((thumb for _, thumb in sorted(judged, key=_when)), left_out)


def _when(judged: tuple[datetime, Thumb]) -> datetime:
    return judged[0]


def _thumbs_before(trial: Trial, left_out: set[int]) -> list[Thumb]:
    """The newest thumbs on the old version's answers from before the trial, the newest last."""
    rows = Judgement.objects.filter(
        kind__in=THUMBS,
        revoked_at=None,
        answer__policy=trial.against,
        created_at__lt=trial.started_at,
    ).order_by("-pk")[:MOST_THUMBS_BEFORE]
    newest_first = (Thumb(row.person, False, row.kind == FeedbackKind.DOWN) for row in rows)
    return _counting(newest_first, left_out)[::-1]


def _counting(thumbs: Iterable[Thumb], left_out: set[int]) -> list[Thumb]:
    """The first few of each person and arm."""
    seen: Counter[tuple[int, bool]] = Counter()
    kept = []
    for thumb in thumbs:
        seen[thumb.person, thumb.is_new] += 1
        if thumb.person not in left_out and seen[thumb.person, thumb.is_new] <= MOST_THUMBS:
            kept.append(thumb)
    return kept


def _counts(answers: list[Exposure], thumbs: list[Thumb]) -> dict[str, float | None]:
    return {
        "answers": len(answers),
        "people": len({each.person for each in answers}),
        "failed": sum(each.has_failed for each in answers),
        "thumbs": len(thumbs),
        "down": sum(thumb.is_down for thumb in thumbs),
        "first_token_ms": _middle(each.first_token_ms for each in answers),
        "token_ms": _middle(each.token_ms for each in answers),
    }


def _middle(times: Iterable[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return round(median(known), 2) if known else None


def _ms(time: float | None) -> str:
    return "an unknown time" if time is None else f"{time:.3g} ms"


def _reason_to_go_on(trial: Trial, evidence: Evidence) -> str:
    """Why the next share may begin, or the version go live; empty where it is too early."""
    since = trial.exposures.filter(is_new=True, at__gte=trial.share_since).count()
    waited = timezone.now() - trial.share_since
    if evidence.is_better:
        return "People like its answers better."
    if since >= settings.CANARY_ANSWERS:
        return f"{since} answers to {trial.share} % of people show no harm."
    if waited >= timedelta(hours=settings.CANARY_HOURS):
        answers = "one answer" if since == 1 else f"{since or 'no'} answers"
        return f"{answers.capitalize()} in {settings.CANARY_HOURS:g} hours, and no harm to see."
    if trial.share < SHARES[-1] and not since and _nobody_is_in(trial):
        return f"Nobody falls into the {trial.share} % of people."
    return ""


def _is_being_trained_from() -> bool:
    """Whether an update is under way that would be lost if the live version changed now."""
    return Update.objects.filter(state__in=Update.RUNNING, person=None).exists()


def _nobody_is_in(trial: Trial) -> bool:
    """Whether none of the people of whom learning has an answer would try the version out."""
    met = set(trial.exposures.values_list("person", flat=True).distinct())
    met |= set(Answer.objects.order_by().values_list("person", flat=True).distinct())
    return not any(in_share(trial.policy, person, trial.share) for person in met)


@transaction.atomic
def _widen(trial: Trial, reason: str) -> None:
    share = SHARES[SHARES.index(trial.share) + 1]
    seen = Trial.objects.filter(pk=trial.pk, state=State.RUNNING, share=trial.share)
    if not seen.update(share=share, share_since=timezone.now(), reason=reason):
        return
    Split.objects.filter(alias=registry.LIVE_ALIAS).update(share=share)
    Update.objects.filter(pk=trial.update_id, state=Update.State.CANARY).update(
        reason=f"It is tried out with {share} % of people. {reason}"
    )
    policies.tell(trial)


@transaction.atomic
def _promote(trial: Trial, reason: str) -> None:
    said = f"It was tried out with everybody and is live. {reason}"
    if policies.end_trial(trial, State.PROMOTED, said, Update.State.LIVE):
        policies.activate(trial.policy, by=f"update {trial.update_id}")
        policies.tell(trial)


@transaction.atomic
def _roll_back(trial: Trial, version: PolicyVersion, harm: str, evidence: Evidence) -> None:
    if not policies.end_trial(trial, State.ROLLED_BACK, harm, Update.State.REJECTED):
        return
    registry.retire(version)
    Alarm.objects.create(
        kind=Alarm.Kind.ROLLBACK,
        sentence=f"{trial.policy} was tried out with {trial.share} % of people. {harm}",
        figures={"policy": trial.policy, "against": trial.against, **evidence.figures},
    )
    policies.tell(trial)


@transaction.atomic
def _stop(trial: Trial, reason: str) -> None:
    if policies.end_trial(trial, State.STOPPED, reason, Update.State.REJECTED):
        policies.tell(trial)
