"""A session: people ask and judge, policies are updated, and what they wanted is measured.

Measured is on held-out questions, by the wish's own rule and not by anybody who gave feedback, from
an account that agreed to nothing, so that no held-out question comes into the log.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from tests.simulation import general, prompts
from tests.simulation.attributes import Wish, wish_of
from tests.simulation.client import Danas, all_at_once
from tests.simulation.journal import Journal
from tests.simulation.people import Answer, Habits, Kind, Person, Reaction, crowd

ROUND = 25
# Judgements arrive nearly in order, and the reward worker is never idle.
JUDGING_AT_ONCE = 4
REWARDS_AT_ONCE = 4
# Answers that are to differ from each other.
VARIED = 0.7
PASSWORD = "a long walk by the simulated sea"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session is; the same plan asks and judges the same.

    `temperature` is that of the answers that are judged. None leaves it to Danas, as for those
    that are measured; two answers to one question then hardly differ.
    """

    family: str = "length"
    events: int = 200
    updates_every: int = 50
    seed: int = 0
    people: int = 20
    flip_rate: float = 0.1
    held_out: int = 64
    max_tokens: int = 48
    temperature: float | None = VARIED

    @property
    def wish(self) -> Wish:
        return wish_of(self.family, self.seed)

    @property
    def crowd(self) -> list[Person]:
        return crowd(self.wish, self.people, Habits(flip_rate=self.flip_rate))


@dataclass(frozen=True, slots=True)
class Measured:
    """How well held-out questions were answered: one number each, in the order of the questions."""

    met: list[float]
    score: list[float]
    words: float

    @classmethod
    def of(cls, wish: Wish, answers: Sequence[str]) -> Measured:
        return cls(
            [float(wish.met(answer)) for answer in answers],
            [round(wish.score(answer), 3) for answer in answers],
            round(fmean(len(answer.split()) for answer in answers), 1),
        )

    @property
    def share(self) -> float:
        return fmean(self.met)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who is who: `admin` drives learning, each voice is a person, `observer` only measures."""

    admin: Danas
    voices: Sequence[Danas]
    observer: Danas

    def voice_of(self, person: Person) -> Danas:
        return self.voices[person.number % len(self.voices)]


class Opened:
    """Accounts on a running Danas, closed at the end.

    Where people can sign up, each simulated person and the observer has an account of their own;
    elsewhere all of them speak through the one key.
    """

    def __init__(self, url: str, key: str, people: int, crew: str = "crew") -> None:
        self._url, self._key, self._people, self._crew = url, key, people, crew
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Accounts:
        admin = await self._open(Danas(self._url, self._key))
        if (await admin.me())["signup"] != "open":
            return Accounts(admin, [admin], admin)
        voices = [await self._join(f"{self._crew}-{n}") for n in range(self._people)]
        observer = await self._join(f"{self._crew}-observer", training=False)
        return Accounts(admin, voices, observer)

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.aclose()

    async def _open(self, danas: Danas) -> Danas:
        return await self._stack.enter_async_context(danas)

    async def _join(self, name: str, *, training: bool = True) -> Danas:
        person = await self._open(Danas(self._url))
        await person.sign_up(name, PASSWORD, training=training)
        return person


class Session:
    """Carries a plan out, part by part; the journal remembers which parts are done."""

    def __init__(self, plan: Plan, accounts: Accounts, journal: Journal, prefix: str = "") -> None:
        self.plan, self.accounts, self.journal = plan, accounts, journal
        self._prefix = prefix
        self._questions = prompts.training(plan.seed, plan.events)
        self._held_out = prompts.held_out(plan.seed, plan.held_out)

    async def feedback(self, people: Sequence[Person], first: int, last: int) -> dict[str, Any]:
        """Events `first` up to `last`, in rounds; counts of what was said."""
        total: Counter[str] = Counter()
        for start in range(first, last, ROUND):
            end = min(start + ROUND, last)
            key = f"{self._prefix}events {start}-{end}"
            total += Counter(
                await self.journal.once(key, lambda s=start, e=end: self._round(people, s, e))
            )
        return dict(total)

    async def _round(self, people: Sequence[Person], first: int, last: int) -> dict[str, int]:
        turns = [self._turn(people, event) for event in range(first, last)]
        asked = [
            self._ask(person, event, copy)
            for event, person, way, _ in turns
            for copy in range(2 if way is Kind.PREFERENCE else 1)
        ]
        answers = iter(await all_at_once(asked))
        judged: list[tuple[Person, Reaction]] = []
        for event, person, way, draw in turns:
            seen = [next(answers) for _ in range(2 if way is Kind.PREFERENCE else 1)]
            judged.append((person, person.judge(way, seen, event, draw)))
        versions = await all_at_once(
            [self.accounts.voice_of(person).give(reaction) for person, reaction in judged],
            JUDGING_AT_ONCE,
        )
        said = Counter(str(reaction.kind) for _, reaction in judged)
        return {**said, "taken in at once": sum(version is not None for version in versions)}

    def _turn(
        self, people: Sequence[Person], event: int
    ) -> tuple[int, Person, Kind, random.Random]:
        draw = random.Random(f"{self.plan.seed} event {event}")
        [person] = draw.choices(people, [each.eagerness for each in people])
        return event, person, person.way(draw), draw

    async def _ask(self, person: Person, event: int, copy: int) -> Answer:
        return await self.accounts.voice_of(person).answer(
            self._questions[event % len(self._questions)],
            max_tokens=self.plan.max_tokens,
            temperature=self.plan.temperature,
            seed=2 * event + copy + 1_000_000 * self.plan.seed,
        )

    async def update(self, name: str, algorithm: str = "rloo") -> dict[str, Any]:
        """One update; what became of it, and what was live afterwards."""
        return await self.journal.once(f"{self._prefix}{name}", lambda: self._update(algorithm))

    async def _update(self, algorithm: str) -> dict[str, Any]:
        update = await self.accounts.admin.update(algorithm)
        steps, point = update["metrics"], await self.accounts.admin.metrics()
        return {
            "state": update["state"],
            "reason": update["reason"],
            "policy": update["policy"],
            "live": await self.accounts.admin.live(),
            "judgements": update["judgements"],
            "refused by": [gate["name"] for gate in update["gates"] if not gate["passed"]],
            "gates": {gate["name"]: gate["sentence"] for gate in update["gates"]},
            "auc": _rounded(point.get("auc")),
            "held-out auc": _rounded(point.get("held_out_auc")),
            "rewards": [round(step["reward"], 3) for step in steps if "reward" in step],
        }

    async def measure(
        self, name: str, policy: str, *wishes: Wish, is_told: bool = False
    ) -> list[Measured]:
        """How a policy answers the held-out questions, by each of the wishes; the plan's if none.

        `is_told`: the plan's wish is said with the question, which is what to compare with.
        """
        wanted = wishes or (self.plan.wish,)

        async def act() -> list[dict[str, Any]]:
            told = self.plan.wish.instruction() if is_told else ""
            texts = [answer.text for answer in await self._answers(policy, told)]
            return [asdict(Measured.of(wish, texts)) for wish in wanted]

        found = await self.journal.once(f"{self._prefix}{name}", act)
        return [Measured(**each) for each in found]

    async def measure_general(self, name: str, policy: str) -> list[dict[str, Any]]:
        """Each general question, what is answered greedily, and whether that `is_right`."""

        async def act() -> list[dict[str, Any]]:
            items = general.items()
            asked = [
                self.accounts.observer.answer(
                    item.question, model=policy, max_tokens=32, temperature=0.0
                )
                for item in items
            ]
            answers = await all_at_once(asked)
            return [
                {
                    "question": item.question,
                    "answer": answer.text,
                    "is_right": item.holds(answer.text),
                }
                for item, answer in zip(items, answers, strict=True)
            ]

        return list(await self.journal.once(f"{self._prefix}{name}", act))

    async def measure_best_of(self, name: str, policy: str, samples: int = 4) -> Measured:
        """The same where the reward model chooses among several answers."""

        async def act() -> dict[str, Any]:
            asked = [question for question in self._held_out for _ in range(samples)]
            answers = await all_at_once(
                [
                    self.accounts.observer.answer(
                        question,
                        model=policy,
                        max_tokens=self.plan.max_tokens,
                        temperature=VARIED,
                        seed=number,
                    )
                    for number, question in enumerate(asked)
                ]
            )
            texts = [answer.text for answer in answers]
            rewards = await self.rewards(asked, texts)
            groups = range(0, len(texts), samples)
            best = [max(range(at, at + samples), key=rewards.__getitem__) for at in groups]
            return asdict(Measured.of(self.plan.wish, [texts[each] for each in best]))

        return Measured(**await self.journal.once(f"{self._prefix}{name}", act))

    async def rewards(self, questions: Sequence[str], answers: Sequence[str]) -> list[float]:
        """What the reward model thinks of each answer now."""
        admin = self.accounts.admin
        pairs = zip(questions, answers, strict=True)
        return await all_at_once([admin.reward(*pair) for pair in pairs], REWARDS_AT_ONCE)

    async def held_out_answers(self, policy: str) -> tuple[list[str], list[str]]:
        """The held-out questions, and the policy's answers to them."""
        answers = await self._answers(policy, "")
        return self._held_out, [answer.text for answer in answers]

    async def _answers(self, policy: str, instruction: str) -> list[Answer]:
        return await all_at_once(
            [
                self.accounts.observer.answer(
                    f"{question} {instruction}".strip(),
                    model=policy,
                    max_tokens=self.plan.max_tokens,
                    seed=number,
                )
                for number, question in enumerate(self._held_out)
            ]
        )

    def described(self) -> dict[str, Any]:
        return {**asdict(self.plan), "wish": self.plan.wish.name}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
