import statistics

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


def told_from_untold(trainer: LocalTrainer, data: list[Datum]) -> float:
    """How far the student is from the policy that was told, in nats per token of its answers."""
    untold = trainer.logprobs(data, Weights.POLICY)
    told = trainer.logprobs([Datum(HINT.told, d.response) for d in data], Weights.BASE)
    return statistics.mean(
        s - t for ss, ts in zip(untold, told, strict=True) for s, t in zip(ss, ts, strict=True)
    )


def test_the_student_moves_towards_the_policy_that_was_told():
    trainer = LocalTrainer(tiny.model(), tiny.Sampler(tiny.Engine(noise=0)))
    trainer.create(Lora(8, 16))
    data = hindsight.distilled(trainer, [HINT] * 4, CONFIG, SAMPLING)
    before = told_from_untold(trainer, data)

    for step in range(8):
        hindsight.learn(trainer, Lessons((HINT,)), CONFIG, SAMPLING, step)
        trainer.optim_step(Adam(3e-3))

    assert told_from_untold(trainer, data) < before - 0.1


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
