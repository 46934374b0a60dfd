import statistics

import pytest

from learning.config import UpdateConfig
from learning.errors import TrainingDiverged
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Lora
from learning.policy.update import StepReport, update

from .. import tiny

PROMPTS = [tiny.tokens(6, n) for n in range(4)]
CONFIG = UpdateConfig(
    steps=3, prompts=4, samples=4, max_new_tokens=6, learning_rate=0.01, rank=4, alpha=8
)


def even_tokens(prompts, groups):
    """A preference that a random model meets half of the time."""
    return [[sum(t % 2 == 0 for t in answer) / len(answer) for answer in group] for group in groups]


def run(folder, config=CONFIG, rewards=even_tokens):
    sampler = tiny.Sampler(tiny.Engine())
    trainer = LocalTrainer(tiny.model(), sampler)
    trainer.create(Lora(config.rank, config.alpha))
    reports: list[StepReport] = []
    state = update(trainer, lambda step: PROMPTS, rewards, config, folder, reports.append)
    return state, reports, sampler


def test_answers_that_are_rewarded_become_likelier(tmp_path):
    _, reports, _ = run(tmp_path, CONFIG.model_copy(update={"steps": 12}))

    first = statistics.mean(report.reward for report in reports[:2])
    last = statistics.mean(report.reward for report in reports[-2:])
    assert last > first + 0.15


def test_each_step_samples_from_the_weights_of_the_step_before(tmp_path):
    state, reports, sampler = run(tmp_path)

    assert [folder.name for folder in sampler.published] == ["step-1", "step-2"]
    assert state.folder == tmp_path / "final"
    assert [report.step for report in reports] == [1, 2, 3]
    # Engine and trainer agree on every step's samples up to the engine's noise of 0.02.
    assert all(report.mismatch < 0.05 for report in reports)


def test_the_first_step_has_not_left_its_parent_yet(tmp_path):
    _, reports, _ = run(tmp_path)

    assert reports[0].kl == 0
    assert reports[-1].kl > 0


def test_equal_rewards_move_nothing(tmp_path):
    _, reports, _ = run(tmp_path, rewards=lambda prompts, groups: [[0.5] * 4] * 4)

    assert [report.gradient_norm for report in reports] == [0, 0, 0]
    assert reports[-1].kl == 0


def test_rewards_that_are_no_numbers_end_the_training(tmp_path):
    with pytest.raises(TrainingDiverged, match="Step 1"):
        run(tmp_path, rewards=lambda prompts, groups: [[float("nan")] * 4] * 4)


def test_what_progress_raises_ends_the_training(tmp_path):
    def stop(report):
        raise InterruptedError

    sampler = tiny.Sampler(tiny.Engine())
    trainer = LocalTrainer(tiny.model(), sampler)
    trainer.create(Lora(4, 8))

    with pytest.raises(InterruptedError):
        update(trainer, lambda step: PROMPTS, even_tokens, CONFIG, tmp_path, stop)
    assert sampler.published == []
