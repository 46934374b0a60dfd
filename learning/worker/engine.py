"""The engine as the learner uses it: synchronous, many requests at once, adapters of its own.

Each call opens a client and closes it, since the event loop stands still while torch computes.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from inference.client import EngineClient
from inference.contracts import Policy, Sample, Sampling
from inference.engine import adapters
from inference.errors import EngineRefused, InferenceError, PolicyNotLoaded
from inference.storage import Storage
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import Floats, SavedState, TokenIds

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class Engine:
    """All engines behind one face. Raises what `inference.client` raises."""

    def __init__(self, addresses: Sequence[str], key: str) -> None:
        self._addresses = tuple(addresses)
        self._key = key

    def load(self, policy: Policy) -> None:
        """On every engine, under the policy's own, new name."""
        self._run(lambda client: client.load(policy))

    def unload(self, policy: Policy) -> None:
        self._run(lambda client: client.unload(policy))

    def make_room(self, keep: Collection[str], cap: int) -> list[str]:
        """See `inference.client`."""
        return self._run(lambda client: client.make_room(keep, cap))

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, policy: Policy, samples: int
    ) -> list[list[Sample]]:
        async def ask(client: EngineClient) -> list[list[Sample]]:
            asked = (_sample(client, p, _own_luck(sampling, p), policy, samples) for p in prompts)
            return await asyncio.gather(*asked)

        return self._loaded(policy, ask)

    def score(self, sequences: Sequence[TokenIds], policy: Policy) -> list[Floats]:
        """Log-probabilities of every token but the first."""

        async def ask(client: EngineClient) -> list[Floats]:
            asked = (client.score(sequence, policy) for sequence in sequences)
            return [tuple(scores) for scores in await asyncio.gather(*asked)]

        return self._loaded(policy, ask)

    def _loaded(self, policy: Policy, ask: Callable[[EngineClient], Awaitable[Answer]]) -> Answer:
        """Ask; an engine that was restarted has lost its adapters and is given this one again."""
        try:
            return self._run(ask)
        except PolicyNotLoaded:
            self.load(policy)
            return self._run(ask)

    def _run(self, ask: Callable[[EngineClient], Awaitable[Answer]]) -> Answer:
        async def run() -> Answer:
            client = EngineClient(self._addresses, self._key)
            try:
                return await ask(client)
            finally:
                await client.close()

        return asyncio.run(run())


async def _sample(
    client: EngineClient, prompt: TokenIds, sampling: Sampling, policy: Policy, samples: int
) -> list[Sample]:
    """Raises EngineRefused where a chat is read in other tokens than it was logged with: what was
    sampled could not be trained on."""
    if not isinstance(prompt, SeenPrompt):
        return await client.sample(prompt, sampling, policy, samples)
    read, answers = await client.sample_chat(prompt.chat, sampling, policy, samples)
    if read != tuple(prompt):
        raise EngineRefused(
            f"The engine reads a chat as {len(read)} tokens that were logged as {len(prompt)}."
        )
    return answers


class Serving(Protocol):
    """What `Engine` does, and what shares its work out among machines does as well."""

    def load(self, policy: Policy) -> None: ...

    def unload(self, policy: Policy) -> None: ...

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, policy: Policy, samples: int
    ) -> list[list[Sample]]: ...

    def score(self, sequences: Sequence[TokenIds], policy: Policy) -> list[Floats]: ...


def _own_luck(sampling: Sampling, prompt: TokenIds) -> Sampling:
    """A seed for this prompt: with one for all, answers to all prompts would share their luck.

    By the prompt alone, so that two policies asked the same have the same luck, and it does not
    matter which worker asks.
    """
    if sampling.seed is None:
        return sampling
    own = zlib.crc32(f"{sampling.seed} {prompt}".encode()) >> 1
    return replace(sampling, seed=own)


class EngineSampler:
    """`learning.policy.trainer.Sampler` over the engine: a new name for every step's adapter.

    `prefix` must never have been used before, or the engine would serve what it had cached.
    """

    def __init__(self, engine: Serving, storage: Storage, parent: Policy, prefix: str) -> None:
        self._engine = engine
        self._storage = storage
        self._current = parent
        self._prefix = prefix
        self._served: list[Policy] = []

    def serve(self, state: SavedState) -> None:
        name = f"{self._prefix}-{len(self._served) + 1}"
        files = (adapters.CONFIG, adapters.WEIGHTS)
        address = self._storage.lend_folder(state.folder, f".training/{name}", files)
        policy = Policy(name, address, state.digest)
        self._engine.load(policy)
        self.retire()
        self._served.append(policy)
        self._current = policy

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, samples: int
    ) -> list[list[Sample]]:
        return self._engine.sample(prompts, sampling, self._current, samples)

    def retire(self) -> None:
        """Take this run's newest adapter off the engines; those before it are gone already."""
        for policy in self._served[-1:]:
            try:
                self._engine.unload(policy)
                self._storage.delete_lent(policy.path or "")
            except InferenceError as error:
                logger.warning("%s stays loaded: %s", policy.name, error)
