"""A new version is loaded everywhere and held to the gates."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from inference import registry, shelf
from inference.models import PolicyVersion
from learning.evaluation.examine import examine
from learning.evaluation.gates import went_too_far
from learning.models import Update
from learning.policy import lora
from learning.policy.local import LocalTrainer
from learning.worker.engine import Serving
from learning.worker.exams import exam_for
from learning.worker.lease import Lease
from learning.worker.loaded import Workshop


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refusal` is empty, or says why the version is refused; `is_too_far`: for moving too far."""

    refusal: str
    is_too_far: bool


def examine_version(
    trainer: LocalTrainer,
    engine: Serving,
    version: PolicyVersion,
    parent: PolicyVersion,
    lease: Lease,
    workshop: Workshop,
) -> Verdict:
    """Load the new policy everywhere and hold it to the gates."""
    policy = registry.as_policy(version)
    engine.load(policy)
    _, weights = lora.read(shelf.storage().fetch(version.path, version.digest))
    update = Update.objects.get(pk=lease.update_id)
    reports = examine(
        trainer,
        engine,
        policy=policy,
        parent=registry.as_policy(parent),
        weights=weights,
        exam=exam_for(workshop, update.person),
        config=workshop.gates,
    )
    lease.save(gates=[asdict(report) for report in reports])
    refusal = " ".join(report.sentence for report in reports if not report.passed)
    if refusal:
        engine.unload(policy)
    return Verdict(refusal, went_too_far(reports))
