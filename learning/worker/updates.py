"""One update from the lease to the verdict. The live policy changes last, or not at all.

Everything on the way lives in a working folder of the update's own, which is removed whatever
happens; a whole adapter is moved to its place by one rename.
"""

from __future__ import annotations

import errno
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from transformers import PreTrainedModel

from inference import registry, shelf
from inference.engine import adapters
from inference.errors import InferenceError
from inference.models import PolicyVersion
from learning import queue
from learning.config import UpdateConfig
from learning.errors import LearningError, LeaseLost
from learning.evaluation import bank
from learning.models import Judgement, Update, UpdateJudgement
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Lora, SavedState
from learning.policy.update import StepReport, update
from learning.reward.rewarder import Rewarder
from learning.worker import lease as leases
from learning.worker import rewards
from learning.worker.datasets import prompts_for, telling_judgements
from learning.worker.engine import Engine, EngineSampler
from learning.worker.examination import examine_version
from learning.worker.lease import Lease
from learning.worker.loaded import Workshop
from learning.worker.verdict import conclude

logger = logging.getLogger(__name__)
# How long an update waits for the reward worker to take in what was judged before it.
REWARD_PATIENCE_S = 60.0
LARGEST_RANK = 32
State = Update.State


def run(update_id: UUID, workshop: Workshop, engine: Engine) -> None:
    """Carry out an update, unless another learner does. Its row says how it ended, and why."""
    lease = leases.take(update_id)
    if lease is None:
        return
    with lease.beating():
        try:
            _clear_away(lease)
            _run(lease, workshop, engine)
        except LeaseLost:
            logger.warning("update %s was taken over by another learner", update_id)
        except (LearningError, InferenceError, OSError) as error:
            logger.warning("update %s failed: %s", update_id, error)
            lease.finish(State.FAILED, _in_words(error))
        except Exception as error:
            logger.exception("update %s failed", update_id)
            lease.finish(State.FAILED, f"An unexpected error: {type(error).__name__}.")


def _run(lease: Lease, workshop: Workshop, engine: Engine) -> None:
    _wait_for_reward_worker()
    judgements = telling_judgements()
    head, reward_version = rewards.current_head()
    config = workshop.hyperparameters.model_copy(update={"seed": lease.update_id.int % 1_000_003})
    bank_prompts = [workshop.prompt_ids(item.prompt) for item in bank.load()]
    prompts = prompts_for(config, bank_prompts)
    parent = registry.live()
    lease.save(parent=parent.name, reward_version=reward_version)
    _record_use(lease, judgements)
    with (
        _working_folder(lease) as folder,
        _trainer(engine, workshop.base, parent, lease, config) as trainer,
    ):
        reports: list[dict[str, Any]] = []

        def progress(report: StepReport) -> None:
            reports.append(asdict(report))
            lease.save(metrics=reports)

        rewarder = Rewarder(workshop.extractor, head, rewards.CONFIG, workshop.tokenizer.end_ids)
        state = update(trainer, prompts, rewarder, config, folder, progress)
        version = _stage(
            state, workshop.folder, parent, _manifest(lease, config, reward_version, judgements)
        )
        lease.save(state=State.GATING, policy=version.name)
        refusal = examine_version(trainer, engine, version, parent, lease, workshop)
    conclude(lease, version, parent, refusal)


@contextmanager
def _trainer(
    engine: Engine,
    base: PreTrainedModel,
    parent: PolicyVersion,
    lease: Lease,
    config: UpdateConfig,
) -> Iterator[LocalTrainer]:
    """A trainer that starts from the parent, and an engine that has it; both are tidied after."""
    start = registry.as_policy(parent)
    engine.load(start)
    sampler = EngineSampler(
        engine, shelf.storage(), start, f"training-{lease.update_id.hex}-{lease.attempt}"
    )
    trainer = LocalTrainer(base, sampler)
    try:
        if start.path is None:
            trainer.create(Lora(config.rank, config.alpha, config.seed))
        else:
            trainer.create_from(shelf.storage().fetch(start.path, start.digest))
        yield trainer
    finally:
        trainer.unload()
        sampler.retire()


def _stage(
    state: SavedState, base: Path, parent: PolicyVersion, manifest: dict[str, Any]
) -> PolicyVersion:
    """Move the finished adapter to where it stays, and enter it in the registry."""
    adapters.check(state.folder, base, LARGEST_RANK)
    address = shelf.storage().put_folder(state.folder, state.digest[:16])
    return registry.stage(address, state.digest, parent, manifest)


def _manifest(
    lease: Lease, config: UpdateConfig, reward_version: int, judgements: list[Judgement]
) -> dict[str, Any]:
    """What the adapter was made of: hyperparameters, reward model, range of judgements."""
    return {
        "update": str(lease.update_id),
        "config": config.model_dump(mode="json"),
        "reward": {**rewards.CONFIG.model_dump(mode="json"), "version": reward_version},
        "judgements": len(judgements),
        "judged_from": min(each.created_at for each in judgements).isoformat(),
        "judged_to": max(each.created_at for each in judgements).isoformat(),
    }


def _record_use(lease: Lease, judgements: list[Judgement]) -> None:
    UpdateJudgement.objects.bulk_create(
        [UpdateJudgement(update_id=lease.update_id, judgement=each) for each in judgements],
        ignore_conflicts=True,
    )


def _wait_for_reward_worker() -> None:
    """Let the reward worker take in what was judged so far; what is late counts next time."""
    until = time.monotonic() + REWARD_PATIENCE_S
    waiting = Judgement.objects.filter(version=None, revoked_at=None)
    if waiting.exists():
        queue.ask_catch_up()
    while waiting.exists() and time.monotonic() < until:
        time.sleep(0.5)


@contextmanager
def _working_folder(lease: Lease) -> Iterator[Path]:
    folder = _training_root() / f"{lease.update_id.hex}-{lease.attempt}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _training_root() -> Path:
    """On the file system of the adapters, so that a finished one can be moved by a rename."""
    root: Path = settings.HOME.adapters / ".training"
    return root


def _clear_away(lease: Lease) -> None:
    """Remove what learners that died left behind: there is one update at a time, and it is ours."""
    shutil.rmtree(_training_root(), ignore_errors=True)
    abandoned = PolicyVersion.objects.filter(
        state=PolicyVersion.State.STAGED, manifest__update=str(lease.update_id)
    )
    for version in abandoned:
        registry.reject(version, "The learner died before it was examined.")


def _in_words(error: Exception) -> str:
    """Why an update failed, for a person."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "There is no space left on the disk to save the adapter."
    if isinstance(error, OSError):
        return f"The system refused: {error.strerror or error}."
    return str(error)
