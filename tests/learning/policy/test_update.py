import statistics

import pytest
import torch

from learning.config import UpdateConfig
from learning.errors import TrainingDiverged
from learning.policy import lora
from learning.policy.local import LocalTrainer
from learning.policy.progress import newest
from learning.policy.trainer import Lora
from learning.policy.update import StepReport, update

from .. import tiny

PROMPTS = [tiny.tokens(6, n) for n in range(4)]
CONFIG = UpdateConfig(
    steps=3,
    prompts=4,
    samples=4,
    max_new_tokens=6,
    learning_rate=0.01,
    rank=4,
    alpha=8,
    advantage_offset=0,
)


def even_tokens(prompts, groups):
    """A preference that a random model meets half of the time."""
    return [[sum(t % 2 == 0 for t in answer) / len(answer) for answer in group] for group in groups]


def run(folder, config=CONFIG, rewards=even_tokens, progress=None, noise=0.02, **more):
    sampler = tiny.Sampler(tiny.Engine(noise))
    trainer = LocalTrainer(tiny.model(), sampler)
    trainer.create(Lora(config.rank, config.alpha))
    reports: list[StepReport] = []
    note = progress or reports.append
    state = update(trainer, lambda step: PROMPTS, rewards, config, folder, note, **more)
    return state, reports, sampler


def weights(state):
    return lora.read(state.folder)[1].values()


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


def test_an_average_answer_is_made_a_little_likelier_by_the_offset(tmp_path):
    _, reports, _ = run(
        tmp_path,
        CONFIG.changed(advantage_offset=0.03),
        rewards=lambda prompts, groups: [[0.5] * 4] * 4,
    )

    # The loss at a ratio of one is minus the mean advantage.
    assert reports[0].loss == pytest.approx(-0.03, abs=0.002)
    assert reports[0].gradient_norm > 0


def test_cut_off_answers_are_learned_from_like_any_other(tmp_path):
    """A random model hardly ever ends an answer: nearly all of these are cut off at six tokens."""
    _, reports, _ = run(tmp_path)

    # Sixteen answers of up to six tokens each.
    assert reports[0].tokens > 16 * 5
    assert reports[0].gradient_norm > 0


class Killed(Exception):
    """The learner's process ends here."""


def test_a_run_that_was_killed_goes_on_to_the_same_adapter(tmp_path):
    config = CONFIG.changed(steps=4, advantage_offset=0.03, target_bank_kl=0.05, max_bank_kl=9)
    same = {"config": config, "noise": 0, "bank": PROMPTS[:1]}
    whole, reports, _ = run(tmp_path / "whole", **same)

    def die(report):
        if report.step == 2:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "killed", **same, progress=die)
    found = newest(tmp_path / "killed", config)
    assert found is not None
    resumed, rest, sampler = run(tmp_path / "killed", **same, resume=found)

    assert found.step == 2
    assert [report["step"] for report in found.reports] == [1, 2]
    assert [report.step for report in rest] == [3, 4]
    assert sampler.published[0].name == "step-2"
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    assert rest[-1].reward == reports[-1].reward
    assert rest[-1].bank_kl_weight == pytest.approx(reports[-1].bank_kl_weight)
    assert rest[-1].bank_kl_weight > config.bank_kl_weight


def test_a_step_that_was_made_otherwise_or_is_not_whole_is_not_gone_on_from(tmp_path):
    run(tmp_path)

    assert newest(tmp_path, CONFIG).step == 3
    assert newest(tmp_path, CONFIG.changed(learning_rate=0.02)) is None
    (tmp_path / "step-3" / "progress.json").write_text('{"step": 3')
    assert newest(tmp_path, CONFIG).step == 2


def test_only_the_last_two_steps_are_kept(tmp_path):
    run(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["final", "step-2", "step-3"]


def test_training_stops_before_it_leaves_the_budget_on_the_bank(tmp_path):
    config = CONFIG.changed(steps=12, target_bank_kl=0.02, max_bank_kl=0.04, bank_kl_weight=0)

    _, reports, _ = run(tmp_path, config, bank=PROMPTS[:2])

    assert len(reports) < 12
    assert reports[-1].sentence.startswith("Stopped early: on general prompts")
    assert reports[-1].gradient_norm == 0
    assert all(not report.sentence and report.bank_kl <= 0.04 for report in reports[:-1])


def test_prompts_of_the_bank_are_held_closer_to_the_parent_by_a_weight_of_their_own(tmp_path):
    free = CONFIG.changed(steps=6, target_bank_kl=9, max_bank_kl=9, bank_kl_weight=0)
    held = free.changed(bank_kl_weight=1.0)

    loose = run(tmp_path / "free", free, bank=PROMPTS[:2])[1]
    tight = run(tmp_path / "held", held, bank=PROMPTS[:2])[1]

    assert tight[-1].bank_kl < 0.5 * loose[-1].bank_kl
