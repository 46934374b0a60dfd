"""What the reward model learns from simulated people, on features of real answers.

People like one hidden attribute that can be computed from an answer's text; each judgement is a
slip with one chance in ten. What is measured is held against the attribute itself, on answers that
nobody judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy import ndarray

from learning.config import FEATURE_DIMENSIONS, RewardConfig
from learning.reward.batch import best_prior_sd, refit
from learning.reward.model import Head, Pair, Thumb
from learning.reward.stream import Entry, replay, walk
from learning.reward.validation import Prediction, auc, calibration_error
from tests.benchmarks import pool

COUNTS = (10, 25, 50, 100, 200)
SEEDS = 5
SLIPS = 0.1
PEOPLE = 20
HELD_BACK = 100
# An attacker says so many times as much as anybody else.
FLOOD = 10
CONFIG = RewardConfig()
UNCAPPED = CONFIG.model_copy(update={"crowd": 10**9})
Row = dict[str, Any]


def run() -> list[tuple[str, list[Row]]]:
    """All of them, as titles and rows."""
    answers = pool.load()
    return [
        ("Reward AUC: the online head against a fit of the same log at once", learning(answers)),
        ("Reward attack: AUC lost to attackers among 20 people", attack(answers)),
        ("Reward drift: alarms and how many judgements they take", drift(answers)),
    ]


def learning(answers: pool.Pool) -> list[Row]:
    """Mean AUC over attributes and seeds, and the calibration of all predictions together."""
    online, batch = np.zeros((2, len(COUNTS), len(pool.ATTRIBUTES), SEEDS))
    predictions: dict[int, list[Prediction]] = {count: [] for count in COUNTS}
    for a, attribute in enumerate(pool.ATTRIBUTES):
        has = pool.having(answers, attribute)
        for seed in range(SEEDS):
            random = np.random.default_rng([seed, a])
            judged, unseen = _split(answers, random)
            entries = _log(answers, has, judged, max(COUNTS), random)
            for c, count in enumerate(COUNTS):
                stream, _ = replay(entries[:count], FEATURE_DIMENSIONS, CONFIG)
                online[c, a, seed] = _area(stream.head, answers, has, unseen)
                batch[c, a, seed] = _area(_at_once(entries[:count]), answers, has, unseen)
                predictions[count] += _predictions(stream.head, answers, has, unseen, random)
    return [
        {
            "judgements": count,
            "online_auc": round(float(online[c].mean()), 3),
            "batch_auc": round(float(batch[c].mean()), 3),
            "share": round(float(online[c].mean() / batch[c].mean()), 3),
            "worst_attribute": round(float((online[c] / batch[c]).mean(axis=1).min()), 3),
            "calibration_error": round(calibration_error(predictions[count]) or 0.0, 3),
        }
        for c, count in enumerate(COUNTS)
    ]


def attack(answers: pool.Pool) -> list[Row]:
    """AUC with and without attackers who always say the opposite, with the caps and without."""
    return [_attacked(answers, attackers) for attackers in (1, 2)]


def drift(answers: pool.Pool) -> list[Row]:
    """Alarms in 400 judgements of people who stay as they are, and after they turn at 200."""
    rows = []
    for slips in (0.1, 0.2):
        false, delays = 0, []
        for seed, has, random in _runs(answers):
            stays = _log(answers, has, np.arange(len(has)), 400, random, slips=slips)
            false += any(each.has_drifted for each in replay(stays, FEATURE_DIMENSIONS, CONFIG)[1])
            turns = stays[:200] + [_opposite(entry) for entry in stays[200:]]
            taken = replay(turns, FEATURE_DIMENSIONS, CONFIG)[1]
            found = (n - 199 for n in range(200, 400) if taken[n].has_drifted)
            delays.append(next(found, 999))
            assert seed < SEEDS
        rows.append(
            {
                "slips": slips,
                "streams": len(delays),
                "false_alarms": false,
                "median_delay": float(np.median(delays)),
                "within_60": round(float(np.mean(np.array(delays) <= 60)), 2),
            }
        )
    return rows


def _attacked(answers: pool.Pool, attackers: int) -> Row:
    clean, uncapped, capped = [], [], []
    for _, has, random in _runs(answers):
        judged, unseen = _split(answers, random)
        honest = _log(answers, has, judged, 10 * PEOPLE, random)
        honest = [entry for entry in honest if entry.person >= attackers]
        against = _log(answers, has, judged, FLOOD * 10 * attackers, random, slips=0.0)
        flood = [
            _opposite(replace(entry, person=number % attackers, key=f"attack {number}"))
            for number, entry in enumerate(against)
        ]
        mixed = [*honest, *flood]
        random.shuffle(mixed)  # type: ignore[arg-type]
        mixed = [replace(entry, version=number + 1) for number, entry in enumerate(mixed)]
        for found, entries, config in (
            (clean, honest, CONFIG),
            (uncapped, mixed, UNCAPPED),
            (capped, mixed, CONFIG),
        ):
            head = replay(entries, FEATURE_DIMENSIONS, config)[0].head
            found.append(_area(head, answers, has, unseen))
    lost, kept = np.mean(clean) - np.mean(uncapped), np.mean(clean) - np.mean(capped)
    return {
        "attackers": attackers,
        "clean_auc": round(float(np.mean(clean)), 3),
        "uncapped_auc": round(float(np.mean(uncapped)), 3),
        "capped_auc": round(float(np.mean(capped)), 3),
        "share_of_effect": round(float(kept / lost), 3),
    }


def _runs(answers: pool.Pool) -> Iterator[tuple[int, ndarray, np.random.Generator]]:
    for a, attribute in enumerate(pool.ATTRIBUTES):
        has = pool.having(answers, attribute)
        for seed in range(SEEDS):
            yield seed, has, np.random.default_rng([seed, a, 1])


def _split(answers: pool.Pool, random: np.random.Generator) -> tuple[ndarray, ndarray]:
    """Answers to be judged, and those that nobody judges."""
    order = random.permutation(len(answers.texts))
    return order[HELD_BACK:], order[:HELD_BACK]


def _log(
    answers: pool.Pool,
    has: ndarray,
    judged: ndarray,
    count: int,
    random: np.random.Generator,
    *,
    slips: float = SLIPS,
) -> list[Entry]:
    """Thumbs, and every third time a preference where two answers differ."""
    entries = []
    for number in range(count):
        liked = random.choice(judged[has[judged]])
        other = random.choice(judged[~has[judged]])
        slipped = random.random() < slips
        first, second = (other, liked) if slipped else (liked, other)
        event: Pair | Thumb = Pair(answers.features[first], answers.features[second])
        if number % 3:
            one = random.choice(judged)
            event = Thumb(answers.features[one], is_up=bool(has[one]) != slipped)
        entries.append(Entry(str(number), int(random.integers(PEOPLE)), event, number + 1))
    return entries


def _opposite(entry: Entry) -> Entry:
    event = entry.event
    if isinstance(event, Pair):
        return replace(entry, event=Pair(event.worse, event.better))
    assert isinstance(event, Thumb)
    return replace(entry, event=Thumb(event.features, not event.is_up))


def _at_once(entries: Sequence[Entry]) -> Head:
    heard, _, _ = walk(entries, FEATURE_DIMENSIONS, CONFIG)
    prior_sd = best_prior_sd(heard, CONFIG)
    return refit(heard, len(entries), CONFIG.model_copy(update={"prior_sd": prior_sd}))


def _area(head: Head, answers: pool.Pool, has: ndarray, which: ndarray) -> float:
    found = auc(
        [
            Prediction(_logistic(score if has[one] else -score), is_up=bool(has[one]))
            for one in which
            for score in [head.estimate(answers.features[one])[0]]
        ]
    )
    return found.value if found else math.nan


def _predictions(
    head: Head, answers: pool.Pool, has: ndarray, which: ndarray, random: np.random.Generator
) -> list[Prediction]:
    """What the head expects of people who judge these answers, slips included."""
    predictions = []
    for one in which:
        is_up = bool(has[one]) != (random.random() < SLIPS)
        probability = head.probability(Thumb(answers.features[one], is_up), CONFIG)
        assert probability is not None
        predictions.append(Prediction(probability, is_up))
    return predictions


def _logistic(score: float) -> float:
    return 1 / (1 + math.exp(-score))
