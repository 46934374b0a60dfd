"""Judgements in their order become versions of the reward head.

A log is walked from its beginning or, where a refit has made the head anew, from there: what came
before is fitted at once, with the weights that each judgement got in its turn. Nothing but the log
decides: not the clock, and not who asks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from jaxtyping import Float
from numpy import ndarray

from learning.config import RewardConfig
from learning.contracts import FeedbackKind
from learning.reward import words
from learning.reward.batch import Heard, heard_from, refit
from learning.reward.caps import Tally, in_folds
from learning.reward.drift import Detector
from learning.reward.model import Event, Head, Pair, Remark, Silence, Thumb, read
from learning.reward.validation import TELLING

STATE = struct.Struct("<ddII")
PERSON = struct.Struct("<qd")


@dataclass(frozen=True, slots=True)
class Entry:
    """A judgement on the log.

    `counts` says whether the head's prediction of it is looked at, `learns` whether the head
    changes. `predicted` is what was thought of it when it was taken in, where that is known.
    """

    key: str
    person: int
    event: Event
    version: int
    counts: bool = True
    learns: bool = True
    predicted: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What became of an entry. `moved` is the change of the head's mean; None before a refit."""

    weight: float
    predicted: float | None
    has_drifted: bool
    moved: Float[ndarray, " weight"] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """The head and all that the next judgement's fate depends on."""

    head: Head
    prior_sd: float
    tally: Tally = field(default_factory=Tally)
    detector: Detector = field(default_factory=Detector)

    @classmethod
    def start(cls, dimensions: int, config: RewardConfig) -> Stream:
        return cls(Head.prior(dimensions, config), config.prior_sd)

    def take(self, entry: Entry, config: RewardConfig) -> tuple[Stream, Taken]:
        """The stream with one more entry, and what became of it."""
        config = config.model_copy(update={"prior_sd": self.prior_sd})
        predicted = self.head.probability(entry.event, config) if entry.counts else None
        entry = replace(entry, predicted=predicted)
        share, folds, tally = _weigh(entry, self.tally, config)
        event = entry.event if entry.learns else Silence()
        head = self.head.after(event, config, share=share, in_folds=folds)
        moved = head.mean - self.head.mean
        detector, has_drifted = _listen(entry, share, self.detector, tally, config)
        if has_drifted:
            head = head.faded(config)
        after = Stream(head, self.prior_sd, tally, detector)
        return after, Taken(share, predicted, has_drifted, moved)

    def to_bytes(self) -> bytes:
        people, climbed = self.tally.weights, self.detector.climbed_by
        state = STATE.pack(self.prior_sd, self.tally.total, len(people), len(climbed))
        numbers = b"".join(PERSON.pack(*each) for each in (*people.items(), *climbed.items()))
        return self.head.to_bytes() + state + numbers

    @classmethod
    def from_bytes(cls, content: bytes) -> Stream:
        head = Head.from_bytes(content)
        rest = memoryview(content)[head.size_in_bytes :]
        prior_sd, total, people, climbed = STATE.unpack_from(rest)
        numbers = list(
            PERSON.iter_unpack(rest[STATE.size : STATE.size + (people + climbed) * PERSON.size])
        )
        return cls(
            head,
            prior_sd,
            Tally(MappingProxyType(dict(numbers[:people])), total),
            Detector(MappingProxyType(dict(numbers[people:]))),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """The newest refit: the version that it made, and the prior scale that it chose."""

    version: int
    prior_sd: float


def event_of(
    kind: FeedbackKind,
    answer: Float[ndarray, " feature"],
    *,
    text: Float[ndarray, " feature"] | None = None,
    over: Float[ndarray, " feature"] | None = None,
    said: words.Reading = words.NOTHING,
) -> Event:
    """What a judgement says to the head: `text` are the features of a correction's text, `said`
    is what a comment's words and tags were read as.

    Raises:
        ValueError: a correction without its text's features, or a preference without its sibling's.
    """
    if kind in (FeedbackKind.UP, FeedbackKind.DOWN):
        return Thumb(answer, is_up=kind == FeedbackKind.UP)
    if kind == FeedbackKind.COMMENT:
        return Remark(answer, said.is_praise, said.confidence) if said.confidence else Silence()
    if kind == FeedbackKind.CORRECTION and text is not None:
        return Pair(better=text, worse=answer)
    if kind == FeedbackKind.PREFERENCE and over is not None:
        return Pair(better=answer, worse=over)
    raise ValueError(f"a {kind} lacks what it compares with")


def replay(
    entries: Iterable[Entry],
    dimensions: int,
    config: RewardConfig,
    *,
    refits: Sequence[Refit] = (),
) -> tuple[Stream, list[Taken]]:
    """The stream that has taken these entries in, in this order; the same bits every time.

    Only the newest refit makes a head; the earlier ones are where the detector began anew.
    """
    log = list(entries)
    if not refits:
        return _go_on(Stream.start(dimensions, config), log, config)
    newest = refits[-1]
    earlier = [entry for entry in log if entry.version < newest.version]
    heard, tally, taken = walk(earlier, dimensions, config, [each.version for each in refits])
    fitted = refit(heard, len(earlier), config.model_copy(update={"prior_sd": newest.prior_sd}))
    start = Stream(fitted, newest.prior_sd, tally)
    stream, later = _go_on(start, log[len(earlier) :], config)
    return stream, taken + later


def walk(
    entries: Sequence[Entry], dimensions: int, config: RewardConfig, refits: Sequence[int] = ()
) -> tuple[Heard, Tally, list[Taken]]:
    """The log with the weight of each entry, for a fit at once.

    What was predicted is not worked out again but taken from the entries. Where it shows a drift,
    what came before counts less, as in the head.
    """
    tally, detector = Tally(), Detector()
    directions, weights, folds, taken = [], [], [], []
    ahead = list(refits)
    for entry in entries:
        while ahead and entry.version > ahead[0]:
            detector = Detector()
            del ahead[0]
        share, hearing, tally = _weigh(entry, tally, config)
        said = read(entry.event, config)
        if said is not None and entry.learns and share > 0:
            directions.append(said.direction)
            weights.append(share * said.weight)
            folds.append(hearing)
        detector, has_drifted = _listen(entry, share, detector, tally, config)
        if has_drifted:
            weights = [config.drift_memory * weight for weight in weights]
        taken.append(Taken(share, entry.predicted, has_drifted))
    return heard_from(directions, weights, folds, dimensions + 1, config.folds), tally, taken


def _go_on(
    stream: Stream, entries: Sequence[Entry], config: RewardConfig
) -> tuple[Stream, list[Taken]]:
    taken = []
    for entry in entries:
        stream, what = stream.take(entry, config)
        taken.append(what)
    return stream, taken


def _weigh(
    entry: Entry, tally: Tally, config: RewardConfig
) -> tuple[float, tuple[float, ...], Tally]:
    """The share of an entry that counts, which folds hear it, and the tally with it."""
    said = read(entry.event, config)
    if said is None or not entry.counts:
        return 0.0, (0.0,) * config.folds, tally
    share = tally.share_of(entry.person, said.weight, config)
    after = tally.with_weight(entry.person, share * said.weight)
    return share, in_folds(entry.person, entry.key, len(after.weights), config), after


def _listen(
    entry: Entry, share: float, detector: Detector, tally: Tally, config: RewardConfig
) -> tuple[Detector, bool]:
    """The detector after an entry; a new one where it has found a drift."""
    if entry.predicted is None or not entry.counts or share < TELLING:
        return detector, False
    people = len(tally.weights)
    after = detector.after(entry.person, entry.predicted, config, people=people)
    return (Detector(), True) if after.has_drifted(config) else (after, False)
