"""One update from the lease to the verdict. The live policy changes last, or not at all.

Everything on the way lives in a working folder of the update's own. When its learner is killed, the
folder stays, and the learner that takes the update over goes on from the last step saved there; it
starts anew if somebody has since withdrawn what was learned from. The folder goes when the update
has ended, however it did. A whole adapter is put into the storage at once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from transformers import PreTrainedModel

from inference import registry, shelf
from inference.contracts import BASE
from inference.engine import adapters
from inference.errors import InferenceError
from inference.models import PersonalAlias, PolicyVersion
from inference.profiles import abilities, lora_of
from inference.storage import Storage
from learning import ledger, queue, readiness
from learning.config import Algorithm, UpdateConfig
from learning.errors import LearningError, LeaseLost, NotReady
from learning.evaluation import anchors as questions
from learning.evaluation import bank
from learning.lineage import judgements_digest
from learning.models import Answer, Judgement, Update, UpdateJudgement
from learning.policy import anchors, kto
from learning.policy.local import LocalTrainer
from learning.policy.parallel import make_trainer
from learning.policy.progress import Progress, newest, save_final
from learning.policy.trainer import Datum, Lora, SavedState, TokenIds
from learning.policy.update import StepReport, Surroundings, update
from learning.reward.rewarder import Rewarder
from learning.worker import lease as leases
from learning.worker import rewards
from learning.worker.datasets import judged_examples, lessons, prompts_for, telling_judgements
from learning.worker.engine import Engine, EngineSampler, Serving
from learning.worker.examination import examine_version
from learning.worker.lease import Lease
from learning.worker.loaded import Workshop
from learning.worker.prompts import opening_of
from learning.worker.recorded import RecordedTools, results_in
from learning.worker.revision import revision
from learning.worker.rollouts import Crew
from learning.worker.verdict import conclude, set_aside

logger = logging.getLogger(__name__)
# How long an update waits for the reward worker to take in what was judged before it.
REWARD_PATIENCE_S = 60.0
LARGEST_RANK = 32
# A version that has lost too much by moving keeps this share of its way, and so once more. What is
# lost falls faster: at half the way a loss of more than a point was 0.3 points.
SHARE_KEPT = 0.7
STEPS_BACK = 2
# Who asks for an update that nobody asked for by hand.
SCHEDULE = "schedule"
MATERIAL = "material.json"
# What thinking models write after a thought.
END_OF_THOUGHT = "</think>"
State = Update.State


def run(update_id: UUID, workshop: Workshop, engine: Engine) -> None:
    """Carry out an update, unless another learner does. Its row says how it ended, and why."""
    lease = leases.take(update_id)
    if lease is None:
        return
    with lease.beating():
        try:
            _attempt(lease, workshop, engine)
        except LeaseLost:
            logger.warning("update %s was taken over by another learner", update_id)


def _attempt(lease: Lease, workshop: Workshop, engine: Engine) -> None:
    """Raises LeaseLost. Whatever kills the learner here leaves the working folder behind."""
    storage = shelf.storage()
    crew = Crew(engine, storage, lease, settings.ROLLOUT_WORKERS, workshop.extractor)
    try:
        _clear_away(lease, storage)
        _run(lease, workshop, crew, storage)
    except LeaseLost:
        raise
    except (LearningError, InferenceError, OSError) as error:
        logger.warning("update %s failed: %s", lease.update_id, error)
        _fail(lease, _in_words(error))
    except Exception as error:
        logger.exception("update %s failed", lease.update_id)
        _fail(lease, f"An unexpected error: {type(error).__name__}.")
    shutil.rmtree(_folder(lease, storage), ignore_errors=True)
    with suppress(InferenceError):
        crew.clear_away()


@dataclass(frozen=True, slots=True)
class _Course:
    """What an update is made from, the same for every learner that works on it."""

    row: Update
    config: UpdateConfig
    judgements: list[Judgement]
    parent: PolicyVersion
    folder: Path
    resume: Progress | None


def _run(lease: Lease, workshop: Workshop, crew: Crew, storage: Storage) -> None:
    _wait_for_reward_worker()
    course = _course(lease, workshop, storage)
    rewarder, reward_version = rewards.rewarder(
        crew.extract, workshop.tokenizer.end_ids, person=course.row.person
    )
    lease.save(parent=course.parent.name, reward_version=reward_version)
    with _trainer(crew, storage, workshop.base, course, lease) as trainer:
        state = _train(trainer, crew, rewarder, course, lease, workshop)
        version = _stage(state, workshop.folder, course, reward_version, lease, storage)
        verdict = examine_version(trainer, crew, version, course.parent, lease, workshop)
        for _ in range(STEPS_BACK):
            if not verdict.is_too_far:
                break
            # Some of what was learned is more than nothing, which a refusal would leave.
            set_aside(lease, version, verdict.refusal)
            trainer.step_back(SHARE_KEPT)
            state = save_final(trainer, course.folder)
            version = _stage(state, workshop.folder, course, reward_version, lease, storage)
            verdict = examine_version(trainer, crew, version, course.parent, lease, workshop)
    if not verdict.refusal:
        # One that was restarted since has lost it, and one that is down cannot serve it.
        crew.load(registry.as_policy(version))
    conclude(lease, version, course.parent, verdict.refusal)


def _course(lease: Lease, workshop: Workshop, storage: Storage) -> _Course:
    """Raises NotReady, NothingToLearnFrom."""
    row = Update.objects.get(pk=lease.update_id)
    if refusal := readiness.refusal(by_hand=row.requested_by != SCHEDULE):
        raise NotReady(refusal)
    judgements = telling_judgements(row.person)
    config = workshop.hyperparameters.model_copy(
        update={"seed": row.pk.int % 1_000_003, "algorithm": Algorithm(row.algorithm)}
    )
    folder = _folder(lease, storage)
    resume = _resumable(folder, judgements, config)
    if resume is None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        material = {"judgements": [str(each.feedback) for each in judgements]}
        (folder / MATERIAL).write_text(json.dumps(material))
        UpdateJudgement.objects.filter(update=row).delete()
        lease.save(metrics=[], saved_step=0)
    parent = registry.named(row.parent) if resume and row.parent else _parent(row)
    _record_use(row, judgements)
    return _Course(row, config, judgements, parent, folder, resume)


def _resumable(folder: Path, judgements: list[Judgement], config: UpdateConfig) -> Progress | None:
    """What a learner that died has saved, unless it was learned from what is withdrawn by now."""
    try:
        used = json.loads((folder / MATERIAL).read_text())["judgements"]
    except (OSError, ValueError, KeyError):
        return None
    if set(used) - {str(each.feedback) for each in judgements}:
        return None
    return newest(folder, config)


def _parent(row: Update) -> PolicyVersion:
    """The live policy; for a person's own adapter, the one they have."""
    if row.person is not None:
        own = PersonalAlias.objects.select_related("policy").filter(person=row.person).first()
        if own is not None:
            return own.policy
    return registry.live()


@contextmanager
def _trainer(
    crew: Serving, storage: Storage, base: PreTrainedModel, course: _Course, lease: Lease
) -> Iterator[LocalTrainer]:
    """A trainer that starts from the parent, and an engine that has it; both are tidied after."""
    start, config = registry.as_policy(course.parent), course.config
    crew.load(start)
    prefix = f"training-{lease.update_id.hex}-{lease.attempt}"
    sampler = EngineSampler(crew, storage, start, prefix)
    trainer = make_trainer(base, sampler)
    try:
        if start.path is None:
            is_seeing = lora_of(settings.MODEL_PATH).has_tower
            trainer.create(Lora(config.rank, config.alpha, config.seed, is_seeing))
        else:
            trainer.create_from(storage.fetch(start.path, start.digest))
        yield trainer
    finally:
        trainer.unload()
        sampler.retire()


def _train(
    trainer: LocalTrainer,
    crew: Serving,
    rewarder: Rewarder,
    course: _Course,
    lease: Lease,
    workshop: Workshop,
) -> SavedState:
    config, person, resume = course.config, course.row.person, course.resume
    reports: list[dict[str, Any]] = list(resume.reports) if resume else []

    def progress(report: StepReport) -> None:
        reports.append(asdict(report))
        lease.save(metrics=reports, saved_step=report.step)

    if config.algorithm == Algorithm.KTO:
        examples = judged_examples(config, workshop.answer_ids, person)
        return kto.train(trainer, examples, config, course.folder, progress, resume=resume)
    bank_prompts = _bank(workshop)
    return update(
        trainer,
        prompts_for(
            config, bank_prompts, person, partial(opening_of, tokenizer=workshop.tokenizer)
        ),
        rewarder,
        config,
        course.folder,
        progress,
        bank=bank_prompts,
        anchored=_anchored(crew, workshop, config),
        lessons=lessons(config, workshop, person),
        surroundings=_surroundings(workshop),
        resume=resume,
    )


def _surroundings(workshop: Workshop) -> Surroundings:
    """Tools as they answered people, and the token that ends a thought where the model thinks."""
    tools = RecordedTools(workshop.tokenizer, results_in(Answer.objects.exclude(chat=None)))
    end = workshop.tokenizer.encode(END_OF_THOUGHT)
    thinks = abilities(workshop.folder).reasons and len(end) == 1
    return Surroundings(tools if tools.results else None, end[0] if thinks else None)


def _bank(workshop: Workshop) -> list[TokenIds]:
    return _under_both_texts(workshop, [item.prompt for item in bank.load()])


def _anchored(crew: Serving, workshop: Workshop, config: UpdateConfig) -> list[list[Datum]]:
    """What the base answers to short questions, as many as the steps have room for."""
    prompts = _under_both_texts(workshop, questions.load())
    count = min(config.steps * config.anchors, len(prompts))
    if not count:
        return []
    chosen = random.Random(f"{config.seed} anchors").sample(prompts, count)
    groups = crew.sample(chosen, anchors.sampling(config), BASE, config.anchor_samples)
    return anchors.by_step(chosen, groups, config)


def _under_both_texts(workshop: Workshop, asked: Sequence[str]) -> list[TokenIds]:
    """General prompts, every other one under another system text than Danas's own."""
    asks = (workshop.prompt_ids, workshop.foreign_prompt_ids)
    return [asks[number % 2](prompt) for number, prompt in enumerate(asked)]


def _stage(
    state: SavedState,
    base: Path,
    course: _Course,
    reward_version: int,
    lease: Lease,
    storage: Storage,
) -> PolicyVersion:
    """Put the finished adapter where it stays, and enter it in registry and ledger."""
    adapters.check(state.folder, base, LARGEST_RANK)
    address = storage.put_folder(state.folder, state.digest[:16])
    row, manifest = course.row, _manifest(course, reward_version)
    with transaction.atomic():
        version = registry.stage(address, state.digest, course.parent, manifest, person=row.person)
        lease.save(state=State.GATING, policy=version.name)
        # Everybody who writes to the ledger waits for this transaction's end: it comes last.
        ledger.record(
            ledger.Kind.TRAINED,
            version.name,
            {
                "update": str(row.pk),
                "digest": state.digest,
                "parent": course.parent.name,
                "reward_version": reward_version,
                "judgements": len(course.judgements),
                "judgements_digest": manifest["judgements_digest"],
                "config_digest": _digest(course.config),
                "revision": manifest["revision"],
            },
        )
    return version


def _manifest(course: _Course, reward_version: int) -> dict[str, Any]:
    """What the adapter was made of: hyperparameters, reward model, range of judgements, code."""
    judgements = course.judgements
    return {
        "update": str(course.row.pk),
        "algorithm": course.config.algorithm.value,
        "config": course.config.model_dump(mode="json"),
        "reward": {**rewards.CONFIG.model_dump(mode="json"), "version": reward_version},
        "judgements": len(judgements),
        "judgements_digest": judgements_digest(each.feedback for each in judgements),
        "first_judgement": min(each.pk for each in judgements),
        "last_judgement": max(each.pk for each in judgements),
        "judged_from": min(each.created_at for each in judgements).isoformat(),
        "judged_to": max(each.created_at for each in judgements).isoformat(),
        "revision": revision(),
    }


def _digest(config: UpdateConfig) -> str:
    canonical = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _record_use(row: Update, judgements: list[Judgement]) -> None:
    UpdateJudgement.objects.bulk_create(
        [UpdateJudgement(update=row, judgement=each) for each in judgements],
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


def _folder(lease: Lease, storage: Storage) -> Path:
    """One for all attempts, on the file system of the storage where that is a folder: there a
    finished adapter is moved to its place by a rename."""
    return _training_root(storage) / lease.update_id.hex


def _training_root(storage: Storage) -> Path:
    root = Path(storage.root) if storage.is_local else Path(settings.HOME.adapters)
    return root / ".training"


def _clear_away(lease: Lease, storage: Storage) -> None:
    """Remove what learners that died left behind, but for this update's own saved steps: there is
    one update at a time, and it is ours."""
    own = _folder(lease, storage)
    for left in own.parent.glob("*"):
        if left != own:
            shutil.rmtree(left, ignore_errors=True)
    storage.delete(storage.address("rollouts"))
    if not storage.is_local:
        storage.delete(storage.address(".training"))
    _reject_staged(lease, "The learner died before it was examined.")


def _fail(lease: Lease, reason: str) -> None:
    """End the update. A version that it had made already may never be served."""
    lease.finish(State.FAILED, reason)
    _reject_staged(lease, reason)


def _reject_staged(lease: Lease, reason: str) -> None:
    staged = PolicyVersion.objects.filter(
        state=PolicyVersion.State.STAGED, manifest__update=str(lease.update_id)
    )
    for version in staged:
        registry.reject(version, reason)


def _in_words(error: Exception) -> str:
    """Why an update failed, for a person."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "There is no space left on the disk to save the adapter."
    if isinstance(error, OSError):
        return f"The system refused: {error.strerror or error}."
    return str(error)
