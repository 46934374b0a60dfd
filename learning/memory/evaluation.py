"""Measures policies of memory on dialogues whose evidence is known.

All questions come when the dialogue is over, and are put to the window that is left then. Its size
is looked at after every session: a window over its budget is an error, never a result.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from inference.diffusion.loop import SLACK
from learning.memory import ablations, policies
from learning.memory.counting import Piece, added, day_of
from learning.memory.dialogue import Dialogue, Question
from learning.memory.packing import Packed
from learning.memory.policies import Case, Diffused, Hearing, Keeper, Seeker
from learning.memory.yardsticks import answer_recall, content, evidence_recall

KEEPERS: Mapping[str, Keeper] = {
    "diffusion": Diffused,
    "diffusion+refill": partial(Diffused, whole=False),
    "diffusion-unread": partial(Diffused, is_read=False),
    "diffusion+slack": partial(Diffused, slack=SLACK),
    "diffusion+supersession": partial(Diffused, adjust=ablations.superseded),
    "diffusion+position": partial(Diffused, adjust=ablations.fading),
    "sliding": policies.sliding,
    "first-and-recent": policies.first_and_recent,
    "random": policies.at_random,
    "surprisal": policies.surprising,
    "rolling-summary": policies.summarised,
}
SEEKERS: Mapping[str, Seeker] = {
    "bm25": policies.bm25,
    "embedding": policies.embedding,
}
ORACLE = "oracle"
POLICIES = (*KEEPERS, *SEEKERS, ORACLE)
READ = frozenset(name for name in KEEPERS if name.startswith("diffusion")) - {"diffusion-unread"}
SURPRISED = frozenset({"surprisal"})
NOTHING_HEARD = Hearing({}, 0, 0.0)

Judge = Callable[[Sequence[Piece], Sequence[Question]], list[float]]
"""The mean log-probability of each answer's tokens after a window."""


class OverBudget(AssertionError):
    """A window has more tokens than it may: a mistake in a policy or in how it counts."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One policy with one budget on one dialogue.

    `answer_words` is the share of the answers' content words that are still there, `answer_nats`
    the mean log-probability of their tokens. `forwarded_tokens` are those of a window that stand
    after the first place where it differs from the window of the turn before, so that an engine
    has to read them, most of them again; `read_tokens` what a model was given to judge a turn by,
    `turn_ms` the time for both of policy and model. All three are means over turns, and None for
    what keeps no window. Tokenising the prompt isn't in the time: every policy has to.
    """

    evidence: float
    all_evidence: float
    answer_words: float | None
    answer_nats: float | None
    peak_tokens: int
    forwarded_tokens: float | None
    read_tokens: float | None
    turn_ms: float | None


class Left:
    """A window at the end, and what can be found in it."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)
        self.whole = frozenset(piece.turn.id for piece in pieces if piece.is_whole)
        texts = [f"{day_of(piece.turn)} {piece.text}" for piece in pieces]
        self.words = frozenset(word for text in texts for word in content(text))


@dataclass(frozen=True, slots=True)
class Run:
    """A policy's windows after a dialogue, one for each question or the same for all.

    The other figures are `Measured`'s, without what a model took.
    """

    windows: Callable[[Question], Left]
    peak_tokens: int
    forwarded_tokens: float | None = None
    turn_ms: float | None = None


def run(policy: str, case: Case, limit: int) -> Run:
    """Take a policy through a dialogue.

    Raises:
        OverBudget
    """
    if policy in KEEPERS:
        return _keep(KEEPERS[policy], case, limit)
    if policy in SEEKERS:
        return _seek(SEEKERS[policy], case, limit)
    left = Left(policies.oracle(case, limit))
    return Run(lambda question: left, _size(case, left.pieces, limit))


def _keep(keeper: Keeper, case: Case, limit: int) -> Run:
    """Let a keeper hear the dialogue turn by turn."""
    turns = case.dialogue.turns
    keeping = keeper(case, limit)
    pieces: tuple[Piece, ...] = ()
    seconds, forwarded, peak = 0.0, 0, 0
    for place, turn in enumerate(turns):
        began = time.perf_counter()
        keeping.take(place, turn)
        seconds += time.perf_counter() - began
        before, pieces = pieces, keeping.pieces()
        forwarded += _changed(case, before, pieces)
        if place + 1 == len(turns) or turns[place + 1].session != turn.session:
            peak = max(peak, _size(case, pieces, limit))
    left = Left(pieces)
    return Run(lambda question: left, peak, forwarded / len(turns), 1000 * seconds / len(turns))


def _seek(seeker: Seeker, case: Case, limit: int) -> Run:
    """Fill a window anew for each question with what is found for it."""
    order = seeker(case)
    windows, sizes = {}, {}
    for question in case.dialogue.questions:
        packed = Packed(case.dialogue.turns, case.counting)
        packed.fill(order(question.text), limit)
        windows[question], sizes[question] = Left(packed.pieces()), packed.tokens
    largest = windows[max(sizes, key=sizes.__getitem__)]
    return Run(windows.__getitem__, _size(case, largest.pieces, limit))


def measured(
    case: Case,
    done: Run,
    *,
    hearing: Hearing = NOTHING_HEARD,
    sample: Sequence[Question] = (),
    judge: Judge | None = None,
) -> Measured:
    """What is left of what will be asked for; `judge` is put the questions of the sample.

    `hearing` is what the policy asked of a model.
    """
    questions, turns = case.dialogue.questions, len(case.dialogue.turns)
    shares = [evidence_recall(each, done.windows(each).whole) for each in questions]
    words = [answer_recall(each, done.windows(each).words) for each in questions]
    return Measured(
        evidence=fmean(shares),
        all_evidence=fmean(share == 1 for share in shares),
        answer_words=_mean_of_known(words),
        answer_nats=_nats(done, sample, judge) if judge and sample else None,
        peak_tokens=done.peak_tokens,
        forwarded_tokens=done.forwarded_tokens,
        read_tokens=None if done.turn_ms is None else hearing.tokens / turns,
        turn_ms=None if done.turn_ms is None else done.turn_ms + 1000 * hearing.seconds / turns,
    )


def ceiling(dialogue: Dialogue) -> float | None:
    """The answers' words that occur anywhere in the dialogue: more no window can hold."""
    words = Left([Piece(turn, turn.shown) for turn in dialogue.turns]).words
    return _mean_of_known([answer_recall(each, words) for each in dialogue.questions])


def sampled(dialogue: Dialogue, count: int, seed: int) -> list[Question]:
    """Some of the questions that have an answer, the same whatever else is measured."""
    answered = [question for question in dialogue.questions if question.answer.strip()]
    chance = random.Random(f"{seed} {dialogue.name}")
    return chance.sample(answered, min(count, len(answered)))


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _nats(done: Run, sample: Sequence[Question], judge: Judge) -> float:
    """Questions that are put to the same window are put together."""
    groups: dict[Left, list[Question]] = {}
    for question in sample:
        groups.setdefault(done.windows(question), []).append(question)
    return fmean(nats for left, group in groups.items() for nats in judge(left.pieces, group))


def _changed(case: Case, before: Sequence[Piece], pieces: Sequence[Piece]) -> int:
    """The tokens from the first piece on that is another than it was."""
    same = 0
    while same < min(len(before), len(pieces)) and before[same] == pieces[same]:
        same += 1
    return added(case.counting, pieces[same - 1].turn if same else None, pieces[same:])


def _size(case: Case, pieces: Sequence[Piece], limit: int) -> int:
    size = case.counting.size(pieces)
    if size > limit:
        raise OverBudget(f"{case.dialogue.name}: {size} tokens in a window of {limit}")
    return size
