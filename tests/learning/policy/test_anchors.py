import pytest

from inference.contracts import BASE
from learning.config import UpdateConfig
from learning.policy import anchors
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Lora, Weights
from learning.policy.update import update

from .. import tiny
from .test_update import CONFIG, PROMPTS, even_tokens

HELD = CONFIG.changed(anchors=4, anchor_samples=2, anchor_tokens=6, anchor_weight=20.0)
QUESTIONS = [tiny.tokens(5, 600 + n) for n in range(8)]


def answers(config=HELD):
    groups = tiny.Engine(noise=0).sample(
        QUESTIONS, anchors.sampling(config), BASE, config.anchor_samples
    )
    return anchors.by_step(QUESTIONS, groups, config)


def made(sampler=None):
    trainer = LocalTrainer(tiny.model(), sampler)
    trainer.create(Lora(HELD.rank, HELD.alpha))
    return trainer


def change(trainer):
    data = [datum for part in answers() for datum in part]
    pairs = zip(
        trainer.logprobs(data, Weights.POLICY), trainer.logprobs(data, Weights.BASE), strict=True
    )
    changes = [p - b for ps, bs in pairs for p, b in zip(ps, bs, strict=True)]
    return sum(c * c for c in changes) / len(changes) / 2


def learned(folder, config, trainer=None, rewards=even_tokens):
    trainer = trainer or made(tiny.Sampler(tiny.Engine()))
    reports = []
    update(
        trainer, lambda step: PROMPTS, rewards, config, folder, reports.append, anchored=answers()
    )
    return trainer, reports


def test_each_step_has_its_own_questions_with_all_their_answers():
    parts = answers()

    assert [len(part) for part in parts] == [8, 8]
    assert list(dict.fromkeys(d.prompt for part in parts for d in part)) == QUESTIONS


def test_where_nothing_has_moved_nothing_is_pushed():
    trainer = made()

    assert anchors.hold(trainer, answers()[0], HELD) == pytest.approx(0, abs=1e-9)
    assert trainer.optim_step(Adam(0.01)) == pytest.approx(0, abs=1e-6)


def test_what_the_base_answers_stays_likely_while_others_are_learned(tmp_path):
    config = HELD.changed(steps=8)

    free, _ = learned(tmp_path / "free", config.changed(anchor_weight=0))
    held, reports = learned(tmp_path / "held", config)

    assert change(held) < 0.5 * change(free)
    assert reports[0].anchor_change == pytest.approx(0, abs=1e-9)
    assert reports[-1].anchor_change > 0


def test_what_a_parent_has_lost_is_won_back(tmp_path):
    parent, _ = learned(tmp_path / "parent", HELD.changed(steps=8, anchor_weight=0))
    lost = change(parent)
    folder = parent.save_state(tmp_path / "saved").folder
    child = LocalTrainer(tiny.model(), tiny.Sampler(tiny.Engine()))
    child.create_from(folder)

    # All answers are as good as each other: only the anchors pull.
    learned(tmp_path / "child", HELD.changed(steps=8), child, lambda ps, groups: [[0.5] * 4] * 4)

    assert change(child) < 0.7 * lost


def test_without_anchors_there_is_nothing_to_hold():
    assert UpdateConfig(anchors=0).anchors == 0
    assert anchors.hold(made(), [], HELD) == 0
