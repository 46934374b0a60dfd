import math
from dataclasses import replace

import pytest

from inference.contracts import Sampling
from learning.config import UpdateConfig
from learning.policy import hindsight
from learning.policy.hindsight import Correction, Hint, Lessons
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Weights

from .. import tiny

CONFIG = UpdateConfig(prompts=4, samples=4, max_new_tokens=6, hindsight_share=0.25, rank=8)
SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=6, seed=3)
PROMPT = tiny.tokens(6, 1)
HINT = Hint(PROMPT, (*PROMPT, *tiny.tokens(8, 2)))


def distance(trainer: LocalTrainer) -> float:
    """KL of the student's next token from that of the base that was told, in nats, exactly."""
    words = range(tiny.VOCABULARY)
    student = trainer.logprobs([Datum(PROMPT, (word,)) for word in words], Weights.POLICY)
    told = trainer.logprobs([Datum(HINT.told, (word,)) for word in words], Weights.BASE)
    return sum(math.exp(s) * (s - t) for (s,), (t,) in zip(student, told, strict=True))


def test_the_student_moves_towards_the_policy_that_was_told(tmp_path):
    config = CONFIG.changed(prompts=12, samples=16)
    trainer = LocalTrainer(tiny.model(), tiny.Sampler(tiny.Engine(noise=0)))
    trainer.create(Lora(8, 16))
    before = distance(trainer)

    for step in range(12):
        sampling = replace(SAMPLING, seed=step)
        hindsight.learn(trainer, Lessons((HINT,)), config, sampling, step)
        trainer.optim_step(Adam(2e-3))
        trainer.publish_sampler(tmp_path / f"step-{step}")

    assert distance(trainer) < 0.8 * before


def test_a_teacher_that_was_told_nothing_has_nothing_to_teach():
    trainer = LocalTrainer(tiny.model(), tiny.Sampler(tiny.Engine(noise=0)))
    trainer.create(Lora(4, 8))

    data = hindsight.distilled(trainer, [Hint(PROMPT, PROMPT)], CONFIG, SAMPLING)

    assert all(w == pytest.approx(0, abs=1e-4) for datum in data for w in datum.weights)


def test_at_most_a_quarter_of_the_samples_come_from_words():
    # With twelve prompts four more are a quarter of sixteen; with eight two of ten.
    assert hindsight._hints_a_step(CONFIG.changed(prompts=12)) == 4
    assert hindsight._hints_a_step(CONFIG.changed(prompts=8)) == 2
    assert hindsight._hints_a_step(CONFIG.changed(hindsight_share=0)) == 0


def test_only_what_a_person_changed_is_learned_from_a_correction():
    datum = hindsight.changed_spans(Correction((1,), (5, 6, 7, 8), (5, 9, 7, 8, 4)))

    assert datum.weights == (0, 1, 0, 0, 1)


def test_nothing_said_moves_nothing(trainer):
    hindsight.learn(trainer, Lessons(), CONFIG, SAMPLING, 0)

    assert all(parameter.grad is None for parameter in trainer.adapted.parameters())
