"""The gates on a tiny model: a second copy of it, with noise, plays the engine."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.contracts import BASE, Policy
from learning.config import GateConfig
from learning.evaluation import gates
from learning.evaluation.examine import examine
from learning.policy import lora
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind

from .. import tiny

CONFIG = GateConfig(max_new_tokens=8)
TEXTS = [(tiny.tokens(5, n), tiny.tokens(30, 50 + n)) for n in range(20)]
PROMPTS = [prompt for prompt, _ in TEXTS[:8]]


def train(trainer, rate=0.002, steps=4):
    """Some honest steps on text of the same kind."""
    data = [Datum(p, r, (1.0,) * len(r)) for p, r in TEXTS[:4]]
    for _ in range(steps):
        trainer.forward_backward(data, Loss(LossKind.CROSS_ENTROPY))
        trainer.optim_step(Adam(learning_rate=rate))


def verdicts(trainer, folder, engine=None):
    reports = examine(
        trainer,
        engine or tiny.Engine(noise=0.05),
        policy=Policy("new", str(folder)),
        parent=BASE,
        weights=lora.read(folder)[1],
        texts=TEXTS,
        prompts=PROMPTS,
        config=CONFIG,
    )
    return {report.name: report for report in reports}


def served_otherwise(folder, change):
    """A copy of the adapter whose weights were changed on the way to the engine."""
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    weights = load_file(folder / lora.WEIGHTS_FILE)
    save_file({k: change(k, v).contiguous() for k, v in weights.items()}, other / lora.WEIGHTS_FILE)
    return other


@pytest.fixture
def trained(trainer, tmp_path):
    train(trainer)
    return trainer, trainer.save_state(tmp_path / "adapter").folder


def flipped(key, value):
    return -value if ".lora_B." in key else value


def tenfold(key, value):
    return 10 * value if ".lora_B." in key else value


def noise(key, value):
    return torch.randn(value.shape, generator=torch.Generator().manual_seed(len(key))) * value.std()


def with_noise(key, value):
    return value + 2 * noise(key, value)


def nothing(key, value):
    return torch.zeros_like(value)


def test_an_honest_adapter_passes_every_gate(trained):
    reports = verdicts(*trained)

    assert {name: report.passed for name, report in reports.items()} == {
        "finite weights": True,
        "served is trained": True,
        "general text not worse": True,
        "KL on the bank": True,
    }
    assert reports["served is trained"].figures["slope"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [(flipped, -1.5, -0.5), (tenfold, 2, 12), (noise, -0.4, 0.4), (nothing, -0.1, 0.1)],
)
def test_other_weights_than_those_trained_are_noticed(trained, change, low, high):
    trainer, folder = trained

    report = verdicts(trainer, served_otherwise(folder, change))["served is trained"]

    assert not report.passed
    assert low < report.figures["slope"] < high


def test_noise_on_top_of_the_right_weights_is_noticed(trained):
    trainer, folder = trained

    report = verdicts(trainer, served_otherwise(folder, with_noise))["served is trained"]

    assert not report.passed


def test_an_adapter_that_the_engine_ignores_is_noticed(trained):
    """As vLLM does with keys of another architecture, or with a name served from its cache."""
    trainer, folder = trained
    engine = tiny.Engine(noise=0.05)
    engine.score = lambda data, policy: tiny.Engine.score(engine, data, BASE)

    report = verdicts(trainer, folder, engine)["served is trained"]

    assert not report.passed
    assert "does not serve these weights" in report.sentence


def test_an_adapter_that_changes_nothing_is_refused(trainer, tmp_path):
    folder = trainer.save_state(tmp_path / "adapter").folder

    report = verdicts(trainer, folder)["served is trained"]

    assert not report.passed
    assert "nothing to serve" in report.sentence


def test_an_adapter_that_went_too_far_fails_on_text_and_kl(trainer, tmp_path):
    train(trainer, rate=0.05, steps=8)
    folder = trainer.save_state(tmp_path / "adapter").folder

    reports = verdicts(trainer, folder)

    assert not reports["KL on the bank"].passed


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e6])
def test_weights_that_are_not_finite_or_grotesque_are_refused(trained, bad):
    weights = lora.read(trained[1])[1]
    next(iter(weights.values()))[0, 0] = bad

    report = gates.finite_weights(weights, CONFIG)

    assert not report.passed
    json.dumps(report.figures, allow_nan=False)


def test_no_weights_are_no_adapter():
    assert not gates.finite_weights({}, CONFIG).passed


def test_a_loss_of_two_percent_is_the_limit():
    base = np.full(10, -2.0)

    passed = gates.general_text_not_worse(base * 1.019, base, CONFIG)
    failed = gates.general_text_not_worse(base * 1.021, base, CONFIG)

    assert (passed.passed, failed.passed) == (True, False)
    assert "+1.90%" in passed.sentence


def test_the_kl_is_never_negative_and_zero_for_the_same_policy():
    policy = np.array([-1.0, -2.0])

    same = gates.kl_on_bank(policy, policy, CONFIG)
    other = gates.kl_on_bank(policy, policy + np.array([0.5, -0.5]), CONFIG)

    assert same.figures["kl"] == 0
    # (e^0.5 - 1 - 0.5 + e^-0.5 - 1 + 0.5) / 2
    assert other.figures["kl"] == pytest.approx(0.12763, abs=1e-5)
    assert not other.passed


def test_a_policy_that_gives_nonsense_numbers_passes_no_gate():
    nan, fine = np.array([np.nan]), np.array([-1.0])

    reports = [
        gates.served_is_trained(nan, fine, fine, fine, CONFIG),
        gates.general_text_not_worse(nan, fine, CONFIG),
        gates.kl_on_bank(nan, fine, CONFIG),
    ]

    assert not any(report.passed for report in reports)
    json.dumps([report.figures for report in reports], allow_nan=False)


def test_another_model_s_adapter_cannot_even_be_trained_on(tmp_path):
    other = LocalTrainer(tiny.model())
    other.create(Lora(rank=2, alpha=4))
    folder = other.save_state(tmp_path / "adapter").folder
    renamed = {
        key.replace("self_attn", "attention"): value
        for key, value in load_file(folder / lora.WEIGHTS_FILE).items()
    }
    save_file(renamed, folder / lora.WEIGHTS_FILE)

    with pytest.raises(lora.CheckpointInvalid, match="another model"):
        LocalTrainer(tiny.model()).create_from(folder)
