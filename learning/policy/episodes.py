"""Answers in several turns: the policy calls tools, is told what they said, and goes on.

Every turn is sampled from a prompt of its own and trained on as a datum of its own, all of them
with the advantage of the answer that they led to. What tools said is part of later prompts only, so
it is never trained on as if the policy had said it.

Who goes on is the environment's to say. Turns that broke a tool call stay in, and their answers are
judged like all others: a policy whose broken calls are left out learns to break calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Protocol, runtime_checkable

from inference.contracts import Sample, Sampling
from learning.policy.trainer import Datum, Sampler, TokenIds

RewardFunction = Callable[[Sequence[TokenIds], Sequence[Sequence[TokenIds]]], list[list[float]]]


class Unknown(Exception):
    """Nobody can say what a tool would have said: the answer can't be made, nor judged."""


@runtime_checkable
class Environment(Protocol):
    """What surrounds the policy while it answers."""

    def go_on(self, prompt: TokenIds, sample: Sample) -> TokenIds | None:
        """The prompt of the next turn; None where `sample` is the answer.

        Raises:
            Unknown: the sample calls for something that is not at hand here.
        """


@dataclass(frozen=True, slots=True)
class Turn:
    prompt: TokenIds
    sample: Sample


@dataclass(frozen=True, slots=True)
class Episode:
    """One answer to a prompt, from the first turn to the last. One that nobody could go on with
    is not whole: it is neither judged nor trained on."""

    turns: tuple[Turn, ...]
    is_whole: bool = True

    @property
    def answer(self) -> Turn:
        return self.turns[-1]

    @property
    def tokens(self) -> int:
        return sum(len(turn.sample.token_ids) for turn in self.turns)


def play(
    sampler: Sampler,
    prompts: Sequence[TokenIds],
    sampling: Sampling,
    samples: int,
    environment: Environment | None = None,
    most_turns: int = 1,
) -> list[list[Episode]]:
    """`samples` answers a prompt, each of at most so many turns; what calls a tool in the last of
    them is judged as it stands."""
    groups = [
        [Episode((Turn(prompt, sample),)) for sample in group]
        for prompt, group in zip(prompts, sampler.sample(prompts, sampling, samples), strict=True)
    ]
    if environment is None:
        return groups
    for number in range(1, most_turns):
        next_prompts: dict[tuple[int, int], TokenIds] = {}
        for row, group in enumerate(groups):
            for column, episode in enumerate(group):
                if len(episode.turns) < number or not episode.is_whole:
                    continue
                try:
                    prompt = environment.go_on(episode.answer.prompt, episode.answer.sample)
                except Unknown:
                    groups[row][column] = replace(episode, is_whole=False)
                else:
                    if prompt is not None:
                        next_prompts[row, column] = prompt
        if not next_prompts:
            break
        again = replace(sampling, seed=None if sampling.seed is None else sampling.seed + number)
        drawn = sampler.sample(list(next_prompts.values()), again, 1)
        for ((row, column), prompt), [sample] in zip(next_prompts.items(), drawn, strict=True):
            episode = groups[row][column]
            groups[row][column] = Episode((*episode.turns, Turn(prompt, sample)))
    return groups


def judged(groups: Sequence[Sequence[Episode]], rewards_of: RewardFunction) -> list[list[float]]:
    """A reward an episode, for what it came to in answer to its last prompt.

    One that is not whole gets the mean of its siblings, and so takes no side.
    """
    prompts: list[TokenIds] = []
    answers: list[list[TokenIds]] = []
    for group in groups:
        for prompt, episodes in _by_prompt(group).items():
            prompts.append(prompt)
            answers.append([episode.answer.sample.token_ids for episode in episodes])
    found = iter(rewards_of(prompts, answers) if prompts else [])
    return [_in_place(group, found) for group in groups]


def _in_place(group: Sequence[Episode], found: Iterator[list[float]]) -> list[float]:
    rewards = {
        id(episode): reward
        for episodes in _by_prompt(group).values()
        for episode, reward in zip(episodes, next(found), strict=True)
    }
    middle = fmean(rewards.values()) if rewards else 0.0
    return [rewards.get(id(episode), middle) for episode in group]


def _by_prompt(group: Sequence[Episode]) -> dict[TokenIds, list[Episode]]:
    """The whole ones by their last prompt: answers to one prompt are judged together."""
    by_prompt: dict[TokenIds, list[Episode]] = {}
    for episode in group:
        if episode.is_whole:
            by_prompt.setdefault(episode.answer.prompt, []).append(episode)
    return by_prompt


def data_of(
    groups: Sequence[Sequence[Episode]],
    advantages: Sequence[Sequence[float]],
    end_of_thought: int | None = None,
) -> list[Datum]:
    """A datum a turn. Weights are divided by the number of all tokens.

    With `end_of_thought`, the token that ends a thought, all up to it has weight zero.
    """
    whole = [
        (episode, float(advantage))
        for group, row in zip(groups, advantages, strict=True)
        for episode, advantage in zip(group, row, strict=True)
        if episode.is_whole
    ]
    tokens = sum(episode.tokens for episode, _ in whole)
    return [
        Datum(
            turn.prompt,
            turn.sample.token_ids,
            weights=_weights(turn.sample.token_ids, advantage / tokens, end_of_thought),
            sampled_logprobs=turn.sample.logprobs,
        )
        for episode, advantage in whole
        for turn in episode.turns
    ]


def _weights(ids: TokenIds, weight: float, end_of_thought: int | None) -> tuple[float, ...]:
    thought = 0
    if end_of_thought is not None and end_of_thought in ids:
        thought = ids.index(end_of_thought) + 1
    return (0.0,) * thought + (weight,) * (len(ids) - thought)
