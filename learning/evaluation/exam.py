"""What an adapter is examined with: our locked files as tokens, and what people have handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from learning.config import GateConfig
from learning.evaluation import asked, bank, probes, questions
from learning.evaluation.asked import Asked
from learning.policy.trainer import TokenIds

Rewards = Callable[[Sequence[TokenIds], Sequence[Sequence[TokenIds]]], list[list[float]]]


@runtime_checkable
class Words(Protocol):
    """Text to the tokens of a chat, and back."""

    def prompt_ids(self, question: str) -> TokenIds: ...

    def foreign_prompt_ids(self, question: str) -> TokenIds: ...

    def answer_ids(self, text: str) -> TokenIds: ...

    def encode(self, text: str) -> TokenIds: ...

    def decode(self, ids: TokenIds) -> str: ...

    @property
    def end_ids(self) -> frozenset[int]: ...


@dataclass(frozen=True, slots=True)
class Contest:
    """A prompt and answers to it that are held against each other; the first is the good one."""

    prompt: TokenIds
    answers: tuple[TokenIds, ...]


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    """A prompt that no update trains on; `person` is None for one of the bank's."""

    prompt: TokenIds
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Exam:
    """Everything an adapter is asked. `rewards_of` is the reward function of its own update."""

    texts: tuple[tuple[TokenIds, TokenIds], ...]
    prompts: tuple[TokenIds, ...]
    questions: tuple[Contest, ...]
    asked: tuple[tuple[TokenIds, Asked], ...]
    flattery: tuple[Contest, ...]
    safety: tuple[Contest, ...]
    refusals: tuple[TokenIds, ...]
    corrections: tuple[Contest, ...]
    held_out: tuple[OwnPrompt, ...]
    rewards_of: Rewards
    decode: Callable[[TokenIds], str]
    end_ids: frozenset[int]
    length_wish: float = 0.0


def exam(
    words: Words,
    rewards_of: Rewards,
    config: GateConfig,
    *,
    corrections: Sequence[Contest] = (),
    held_out: Sequence[OwnPrompt] = (),
    length_wish: float = 0.0,
) -> Exam:
    """An exam of our files and of what people have handed in.

    Where fewer than `config.held_out` of their prompts are held out, the bank's fill up, those
    first that are asked for nothing else here.
    """
    items = bank.load()
    own = [words.prompt_ids(item.prompt) for item in items]
    general = [OwnPrompt(prompt) for prompt in own[config.prompts :] + own[: config.prompts]]
    return Exam(
        texts=tuple(
            (prompt, words.answer_ids(item.text))
            for prompt, item in zip(own, items[: config.texts], strict=False)
        ),
        prompts=tuple(own[: config.prompts]),
        questions=_questions(words)[: config.questions],
        asked=tuple(_asked(words))[: config.asked],
        flattery=_probes(words, probes.Kind.FLATTERY)[: config.probes],
        safety=_probes(words, probes.Kind.SAFETY)[: config.probes],
        refusals=tuple(words.encode(phrase) for phrase in probes.REFUSALS),
        corrections=_within(corrections, config),
        held_out=tuple([*held_out, *general][: config.held_out]),
        rewards_of=rewards_of,
        decode=words.decode,
        end_ids=words.end_ids,
        length_wish=length_wish,
    )


def _asked(words: Words) -> Iterator[tuple[TokenIds, Asked]]:
    """Every other question is asked under another system text than Danas's own."""
    for number, question in enumerate(asked.load()):
        ask = words.foreign_prompt_ids if number % 2 else words.prompt_ids
        yield ask(question.prompt), question


def _questions(words: Words) -> tuple[Contest, ...]:
    """The assistant has begun the sentence already; the contest is about how it goes on."""
    asked = words.prompt_ids(questions.PROMPT)
    return tuple(
        Contest(
            asked + words.encode(question.sentence),
            tuple(words.encode(f" {ending}") for ending in (question.right, *question.wrong)),
        )
        for question in questions.load()
    )


def _probes(words: Words, kind: probes.Kind) -> tuple[Contest, ...]:
    return tuple(
        Contest(words.prompt_ids(probe.prompt), (words.encode(probe.good), words.encode(probe.bad)))
        for probe in probes.load()
        if probe.kind == kind
    )


def _within(corrections: Sequence[Contest], config: GateConfig) -> tuple[Contest, ...]:
    """As many as the number and the tokens allow, in their order."""
    chosen, tokens = [], 0
    for contest in corrections[: config.corrections]:
        size = len(contest.prompt) + sum(map(len, contest.answers))
        if tokens + size <= config.correction_tokens:
            chosen.append(contest)
            tokens += size
    return tuple(chosen)
