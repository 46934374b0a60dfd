"""A whole measurement: every dialogue with every way of counting, policy and budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from inference.tokenizer import ChatTokenizer
from learning.memory.counting import Counting, Layout, Piece, PolicyTokens, Way, Words
from learning.memory.dialogue import Dialogue, Question
from learning.memory.evaluation import (
    NOTHING_HEARD,
    READ,
    SURPRISED,
    Measured,
    measured,
    run,
    sampled,
)
from learning.memory.policies import Case, Heard, Hearing


class Model(Protocol):
    """`hearing.Listener`, which imports torch."""

    reader: str
    context_tokens: int

    def needs(self, dialogue: Dialogue) -> Hearing: ...
    def surprisal(self, dialogue: Dialogue) -> Hearing: ...
    def nats(
        self, layout: Layout, pieces: Sequence[Piece], questions: Sequence[Question]
    ) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `judged` is the way of counting whose windows answers are read after."""

    policies: Sequence[str]
    budgets: Sequence[int]
    ways: Sequence[Way]
    judged: Way | None = None
    questions: int = 0
    seed: int = 0

    def asks_surprisal(self) -> bool:
        return bool(SURPRISED & set(self.policies))

    def asks_tokenizer(self) -> bool:
        return Way.POLICY in self.ways or self.asks_model()

    def asks_model(self) -> bool:
        return self.judged is not None or self.asks_needs() or self.asks_surprisal()

    def asks_needs(self) -> bool:
        return bool(READ & set(self.policies))


@dataclass(frozen=True, slots=True)
class Cell:
    """One place in the tables, for one dialogue."""

    dialogue: str
    way: Way
    policy: str
    budget: int
    measured: Measured


def measure(
    dialogues: Sequence[Dialogue],
    plan: Plan,
    tokenizer: ChatTokenizer | None,
    model: Model | None,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Cell]:
    """The cells, one dialogue after the other, each as soon as it is known.

    `tokenizer` counts in the policy's tokens; `model` reads turns and judges answers.
    """
    for number, dialogue in enumerate(dialogues, 1):
        title = f"{dialogue.name} ({number} of {len(dialogues)})"
        progress(f"{title}: {len(dialogue.turns):,} turns, {len(dialogue.questions)} questions")
        yield from _measure(dialogue, plan, tokenizer, model, partial(_say, progress, title))


def _say(progress: Callable[[str], None], title: str, line: str) -> None:
    progress(f"{title}: {line}")


def _measure(
    dialogue: Dialogue,
    plan: Plan,
    tokenizer: ChatTokenizer | None,
    model: Model | None,
    progress: Callable[[str], None],
) -> Iterator[Cell]:
    layout = Layout(dialogue)
    read = surprised = NOTHING_HEARD
    if model and plan.asks_needs():
        read = model.needs(dialogue)
        progress(f"read in {read.seconds:.0f} s")
    if model and plan.asks_surprisal():
        surprised = model.surprisal(dialogue)
        progress(f"surprisal in {surprised.seconds:.0f} s")
    hearings = dict.fromkeys(READ, read) | dict.fromkeys(SURPRISED, surprised)
    sample = sampled(dialogue, plan.questions, plan.seed)
    for way in plan.ways:
        counting = _counting(way, layout, tokenizer)
        case = Case(dialogue, counting, layout, _both(read, surprised), plan.seed)
        judge = partial(model.nats, layout) if model and way == plan.judged else None
        # The question and its answer have to fit after the window.
        context = model.context_tokens if model else 0
        for policy in plan.policies:
            began = time.perf_counter()
            hearing = hearings.get(policy, NOTHING_HEARD)
            for budget in plan.budgets:
                done = run(policy, case, budget)
                asked = judge if budget < context else None
                found = measured(case, done, hearing=hearing, sample=sample, judge=asked)
                yield Cell(dialogue.name, way, policy, budget, found)
            progress(f"{policy}, by {way}, in {time.perf_counter() - began:.0f} s")


def _counting(way: Way, layout: Layout, tokenizer: ChatTokenizer | None) -> Counting:
    if way == Way.WORDS:
        return Words(layout)
    assert tokenizer, "the policy's tokens are counted by its tokenizer"
    return PolicyTokens(layout, tokenizer)


def _both(read: Hearing, surprised: Hearing) -> Mapping[str, Heard]:
    """What was heard of each turn by one or the other."""
    heard = dict(read.heard)
    for turn, each in surprised.heard.items():
        heard[turn] = replace(heard.get(turn, Heard()), surprisal=each.surprisal)
    return heard
