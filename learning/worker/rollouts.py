"""One update's sampling and measuring, shared out among the GPU workers of all machines.

The learner that holds the lease writes a job into the storage, asks for its shares by name and then
works on them itself, from the last to the first, while others begin with the first. A share
belongs to whoever claimed it in Valkey; its result is a file in the storage. What nobody has
claimed, the learner does; what was claimed and is not there when the claim ends, it does too. So
nothing depends on other workers, or on their number: where there is none, the learner does it all.

Shares can be done twice and nothing is lost: results are the same sort of thing, and the first that
is read counts. A share of a learner that lost its lease is refused by its attempt.

A worker also computes the features of what it sampled, the expensive part of a reward. The head
itself never travels.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import redis
from jaxtyping import Float
from kombu.exceptions import OperationalError
from numpy import ndarray

from inference.contracts import Call, FinishReason, Policy, Sample, Sampling
from inference.errors import InferenceError
from inference.storage import Storage
from learning import queue
from learning.models import Update
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import Floats, TokenIds
from learning.reward.features import Extract
from learning.worker.engine import Serving
from learning.worker.lease import Lease

logger = logging.getLogger(__name__)
# A worker that has not delivered a share by then is taken for dead.
CLAIM_S = 60
LOOK_EVERY_S = 0.25
SHARES_A_WORKER = 2


@dataclass(frozen=True, slots=True)
class Job:
    """Answers to prompts, or log-probabilities of whole sequences where `sampling` is None."""

    policy: Policy
    sequences: Sequence[TokenIds]
    shares: int
    sampling: Sampling | None = None
    samples: int = 1

    def share(self, number: int) -> Sequence[TokenIds]:
        return self.sequences[number :: self.shares]

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Job:
        said = json.loads(content)
        sampling = said["sampling"]
        return cls(
            Policy(**said["policy"]),
            [tuple(tokens) for tokens in said["sequences"]],
            said["shares"],
            sampling and Sampling(**{**sampling, "stop": tuple(sampling["stop"])}),
            said["samples"],
        )


@dataclass(frozen=True, slots=True)
class Result:
    """Of one share: a group of samples for each prompt with their features, or scores."""

    groups: list[list[Sample]] = field(default_factory=list)
    features: list[list[float]] = field(default_factory=list)
    scores: list[Floats] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Result:
        said = json.loads(content)
        groups = [[_sample(each) for each in group] for group in said["groups"]]
        return cls(groups, said["features"], [tuple(row) for row in said["scores"]])


class Crew:
    """`learning.worker.engine.Engine` for one update, with other machines' help.

    `extract` gives features, those that came with samples without computing them again.
    """

    def __init__(
        self,
        engine: Serving,
        storage: Storage,
        lease: Lease,
        workers: int,
        extract: Extract,
        ask: Callable[[UUID, int, int, int], None] = queue.ask_rollout,
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._lease = lease
        self._workers = workers
        self._extract = extract
        self._ask = ask
        self._jobs = itertools.count(1)
        self._known: dict[tuple[TokenIds, TokenIds], list[float]] = {}

    def load(self, policy: Policy) -> None:
        self._engine.load(policy)

    def unload(self, policy: Policy) -> None:
        self._engine.unload(policy)

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, policy: Policy, samples: int
    ) -> list[list[Sample]]:
        # A job on its way to other machines has tokens in it, and no pictures.
        is_seen = any(isinstance(prompt, SeenPrompt) for prompt in prompts)
        if is_seen or (shares := self._shares(prompts)) < 2:
            return self._engine.sample(prompts, sampling, policy, samples)
        job = Job(policy, prompts, shares, sampling, samples)
        self._known.clear()
        groups: list[list[Sample]] = [[]] * len(prompts)
        for number, result in self._done(job).items():
            groups[number::shares] = result.groups
            answers = _answers(job.share(number), result.groups)
            if result.features:
                self._known.update(zip(answers, result.features, strict=True))
        return groups

    def score(self, sequences: Sequence[TokenIds], policy: Policy) -> list[Floats]:
        if (shares := self._shares(sequences)) < 2:
            return self._engine.score(sequences, policy)
        scores: list[Floats] = [()] * len(sequences)
        for number, result in self._done(Job(policy, sequences, shares)).items():
            scores[number::shares] = result.scores
        return scores

    def extract(
        self, answers: Sequence[tuple[TokenIds, TokenIds]]
    ) -> Float[ndarray, "answer feature"]:
        unknown = [answer for answer in dict.fromkeys(answers) if answer not in self._known]
        if len(unknown) == len(answers):
            return self._extract(answers)
        if unknown:
            computed = self._extract(unknown).tolist()
            self._known.update(zip(unknown, computed, strict=True))
        return np.array([self._known[answer] for answer in answers], np.float32)

    def clear_away(self) -> None:
        """Nobody's prompts stay in the storage."""
        self._storage.delete(self._storage.address(f"rollouts/{self._lease.update_id.hex}"))

    def _shares(self, sequences: Sequence[TokenIds]) -> int:
        if self._workers == 0:
            return 1
        return min(len(sequences), SHARES_A_WORKER * (self._workers + 1))

    def _done(self, job: Job) -> dict[int, Result]:
        """The results of all shares, whoever did them."""
        number = next(self._jobs)
        place = _place(self._lease.update_id, self._lease.attempt, number)
        self._storage.write(f"{place}/job.json", job.to_bytes())
        self._ask_for(number, job.shares)
        results: dict[int, Result] = {}
        while len(results) < job.shares:
            waits = True
            for share in reversed(range(job.shares)):
                if share not in results and (result := self._get(job, place, share)):
                    results[share], waits = result, False
            if waits:
                time.sleep(LOOK_EVERY_S)
        self._storage.delete(self._storage.address(place))
        return results

    def _ask_for(self, number: int, shares: int) -> None:
        try:
            for share in range(shares):
                self._ask(self._lease.update_id, self._lease.attempt, number, share)
        except (OperationalError, redis.RedisError) as error:
            logger.warning("nobody can be asked for help: %s", error)

    def _get(self, job: Job, place: str, share: int) -> Result | None:
        """A share's result, made here when nobody else is at it; None when somebody is."""
        content = self._storage.read(self._storage.address(f"{place}/{share}.json"))
        if content is not None:
            return Result.from_bytes(content)
        return _work(job, share, self._engine) if _claim(place, share) else None


def help_out(
    update_id: UUID,
    attempt: int,
    number: int,
    share: int,
    storage: Storage,
    engine: Serving,
    extract: Extract,
) -> bool:
    """Do a share for a learner elsewhere, unless it is done, or nobody's any more; says whether."""
    held = Update.objects.filter(pk=update_id, attempts=attempt, state__in=Update.RUNNING)
    place = _place(update_id, attempt, number)
    if not held.exists() or not _claim(place, share):
        return False
    is_done = False
    try:
        job_address = storage.address(f"{place}/job.json")
        content = storage.read(job_address)
        if content is None:
            return False
        result = _work(Job.from_bytes(content), share, engine, extract)
        address = storage.write(f"{place}/{share}.json", result.to_bytes())
        is_done = True
        if storage.read(job_address) is None:
            storage.delete(address)
    except InferenceError as error:
        logger.warning("a share of update %s is left to others: %s", update_id, error)
    finally:
        if not is_done:
            queue.release(_claim_key(place, share))
    return is_done


def _work(job: Job, share: int, engine: Serving, extract: Extract | None = None) -> Result:
    sequences = job.share(share)
    if job.sampling is None:
        return Result(scores=engine.score(sequences, job.policy))
    groups = engine.sample(sequences, job.sampling, job.policy, job.samples)
    features = extract(_answers(sequences, groups)).tolist() if extract else []
    return Result(groups, features)


def _answers(
    prompts: Sequence[TokenIds], groups: Sequence[Sequence[Sample]]
) -> list[tuple[TokenIds, TokenIds]]:
    return [
        (prompt, sample.token_ids)
        for prompt, group in zip(prompts, groups, strict=True)
        for sample in group
    ]


def _place(update_id: UUID, attempt: int, number: int) -> str:
    return f"rollouts/{update_id.hex}/{attempt}/{number}"


def _claim_key(place: str, share: int) -> str:
    return f"danas:{place}/{share}"


def _claim(place: str, share: int) -> bool:
    """Without Valkey nobody else was asked, so everything is one's own."""
    try:
        return queue.claim(_claim_key(place, share), expires_s=CLAIM_S)
    except redis.RedisError:
        return True


def _sample(said: dict[str, Any]) -> Sample:
    return Sample(
        said["text"],
        tuple(said["token_ids"]),
        tuple(said["logprobs"]),
        FinishReason(said["finish_reason"]),
        said["reasoning"],
        tuple(Call(**call) for call in said["calls"]),
    )
