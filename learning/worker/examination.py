"""A new version is loaded everywhere and held to the gates."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from inference import registry
from inference.models import PolicyVersion
from learning.evaluation import bank
from learning.evaluation.examine import examine
from learning.policy import lora
from learning.policy.local import LocalTrainer
from learning.worker.engine import Engine
from learning.worker.lease import Lease
from learning.worker.loaded import Workshop


def examine_version(
    trainer: LocalTrainer,
    engine: Engine,
    version: PolicyVersion,
    parent: PolicyVersion,
    lease: Lease,
    workshop: Workshop,
) -> str:
    """Load the new policy everywhere and hold it to the gates. Empty, or why it is refused."""
    config = workshop.gates
    policy = registry.as_policy(version)
    engine.load(policy)
    _, weights = lora.read(Path(version.path))
    items = bank.load()
    reports = examine(
        trainer,
        engine,
        policy=policy,
        parent=registry.as_policy(parent),
        weights=weights,
        texts=[
            (workshop.prompt_ids(item.prompt), workshop.answer_ids(item.text))
            for item in items[: config.texts]
        ],
        prompts=[workshop.prompt_ids(item.prompt) for item in items[: config.prompts]],
        config=config,
    )
    lease.save(gates=[asdict(report) for report in reports])
    refusal = " ".join(report.sentence for report in reports if not report.passed)
    if refusal:
        engine.unload(policy)
    return refusal
