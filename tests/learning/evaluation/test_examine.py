"""Planted adapters against the gates: a tiny model trains, a noisy copy of it plays the engine."""

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.contracts import BASE, Policy, Sampling
from inference.engine import adapters
from inference.errors import AdapterInvalid
from learning.config import GateConfig
from learning.evaluation.asked import Asked
from learning.evaluation.exam import Contest, Exam, OwnPrompt
from learning.evaluation.examine import examine, measure, measure_texts
from learning.policy import lora
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind

from .. import tiny

CONFIG = GateConfig(max_new_tokens=12)
TAUGHT = [tiny.tokens(5, 8000 + n) for n in range(48)]


def liked(token):
    return token % 2 == 0


def likes_even_bytes(prompts, groups):
    """Rewards an answer with the share of its bytes that are even."""
    return [[sum(map(liked, answer)) / len(answer) for answer in group] for group in groups]


def contests(count, answers, seed):
    return tuple(
        Contest(
            tiny.tokens(5, seed + n),
            tuple(tiny.tokens(4, 1000 + seed + 10 * n + k) for k in range(answers)),
        )
        for n in range(count)
    )


# Our own files, as bytes, would take a tiny model ten seconds.
PAPER = Exam(
    texts=tuple((tiny.tokens(5, n), (*tiny.tokens(30, 50 + n), tiny.END)) for n in range(20)),
    prompts=tuple(tiny.tokens(5, n) for n in range(16)),
    questions=contests(30, 4, 2000),
    # A random model says no words.
    asked=tuple((tiny.tokens(5, 8000 + n), Asked("", "", ["Paris"])) for n in range(4)),
    flattery=contests(12, 2, 3000),
    safety=contests(12, 2, 4000),
    refusals=tuple(tiny.tokens(3, 5000 + n) for n in range(3)),
    corrections=contests(6, 2, 6000),
    held_out=tuple(OwnPrompt(tiny.tokens(5, 7000 + n)) for n in range(256)),
    rewards_of=likes_even_bytes,
    decode=lambda ids: tiny.tokenizer().decode(ids),
    end_ids=frozenset({tiny.END}),
)


def train(trainer, rate=0.002, steps=4):
    """Towards even bytes, by REINFORCE with a reward for each of them."""
    sampling = Sampling(1.0, 1.0, max_tokens=12, seed=1)
    answers = tiny.Engine().sample(TAUGHT, sampling, BASE, 4)
    data = [
        Datum(
            prompt,
            sample.token_ids,
            tuple((1.0 if liked(token) else -1.0) / 2000 for token in sample.token_ids),
        )
        for prompt, group in zip(TAUGHT, answers, strict=True)
        for sample in group
    ]
    for _ in range(steps):
        trainer.forward_backward(data, Loss(LossKind.CROSS_ENTROPY))
        trainer.optim_step(Adam(learning_rate=rate))


def verdicts(trainer, folder, engine=None, paper=PAPER, config=CONFIG):
    reports = examine(
        trainer,
        engine or tiny.Engine(noise=0.05),
        policy=Policy("new", str(folder)),
        parent=BASE,
        weights=lora.read(folder)[1],
        exam=paper,
        config=config,
    )
    return {report.name: report for report in reports}


def stopped_by(reports):
    return {name for name, report in reports.items() if not report.passed}


def changed(folder, change):
    """A copy of the adapter with other weights."""
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    weights = load_file(folder / lora.WEIGHTS_FILE)
    save_file({k: change(k, v).contiguous() for k, v in weights.items()}, other / lora.WEIGHTS_FILE)
    return other


def holding(folder):
    """A trainer whose own weights are those of the folder, started from the base."""
    made = LocalTrainer(tiny.model())
    made.create(Lora(rank=4, alpha=8))
    weights = load_file(folder / lora.WEIGHTS_FILE)
    with torch.no_grad():
        for name, parameter in made.adapted.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(weights[name.replace(".default", "")])
    return made


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

    assert stopped_by(reports) == set(), {n: r.sentence for n, r in reports.items()}
    assert len(reports) == 15
    assert reports["served is trained"].figures["slope"] == pytest.approx(1, abs=0.1)
    assert reports["reward up"].figures["chance"] > 0.8


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [(flipped, -1.5, -0.5), (tenfold, 2, 12), (noise, -0.4, 0.4), (nothing, -0.1, 0.1)],
)
def test_other_weights_than_those_trained_are_noticed(trained, change, low, high):
    trainer, folder = trained

    report = verdicts(trainer, changed(folder, change))["served is trained"]

    assert not report.passed
    assert low < report.figures["slope"] < high


def test_noise_on_top_of_the_right_weights_is_noticed(trained):
    trainer, folder = trained

    reports = verdicts(trainer, changed(folder, with_noise))

    assert "served is trained" in stopped_by(reports)


@pytest.mark.parametrize(
    ("change", "gate"), [(flipped, "reward up"), (tenfold, "KL on the bank"), (noise, "reward up")]
)
def test_a_bad_adapter_is_stopped_although_the_trainer_holds_the_same(trained, change, gate):
    _, folder = trained
    bad = changed(folder, change)

    reports = verdicts(holding(bad), bad)

    assert gate in stopped_by(reports)
    assert reports["served is trained"].passed or change is tenfold


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


@pytest.mark.parametrize("length", [1, None])
def test_a_policy_that_hacks_the_length_is_stopped(trainer, tmp_path, length):
    """It ends at once, or never; a reward model that likes this says so."""
    data = [Datum(own.prompt, (tiny.END,), (1 / 16,)) for own in PAPER.held_out[:16]]
    sign = 1.0 if length else -1.0
    data = [Datum(each.prompt, each.response, (sign / 16,)) for each in data]
    for _ in range(12):
        trainer.forward_backward(data, Loss(LossKind.CROSS_ENTROPY))
        trainer.optim_step(Adam(learning_rate=0.02))
    folder = trainer.save_state(tmp_path / "adapter").folder
    config = CONFIG.model_copy(update={"max_kl": 1e9, "max_text_loss_rise": 1e9})

    reports = verdicts(trainer, folder, config=config)

    assert "length" in stopped_by(reports)


def test_weights_that_are_not_finite_are_not_even_measured(trained):
    trainer, folder = trained
    bad = changed(folder, lambda key, value: value * float("nan"))

    reports = verdicts(trainer, bad, engine=tiny.Engine())

    assert list(reports) == ["finite weights"]


def test_a_truncated_file_is_no_adapter(trained):
    _, folder = trained
    file = folder / lora.WEIGHTS_FILE
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(lora.CheckpointInvalid, match="not a whole adapter"):
        lora.read(folder)


def test_another_model_s_adapter_can_be_neither_trained_on_nor_served(trained, tmp_path):
    _, folder = trained
    tiny.model().save_pretrained(tmp_path / "model")
    renamed = {
        key.replace("self_attn", "attention"): value
        for key, value in load_file(folder / lora.WEIGHTS_FILE).items()
    }
    save_file(renamed, folder / lora.WEIGHTS_FILE)

    with pytest.raises(lora.CheckpointInvalid, match="another model"):
        LocalTrainer(tiny.model()).create_from(folder)
    with pytest.raises(AdapterInvalid, match="no layer of the base model"):
        adapters.check(folder, tmp_path / "model", 32)


def measured(trainer, engine, paper, policy, parent):
    texts = measure_texts(trainer, engine, policy=policy, parent=parent, exam=paper)
    return measure(
        trainer, engine, policy=policy, parent=parent, texts=texts, exam=paper, config=CONFIG
    )


def test_everything_is_measured_and_its_time_too(trained):
    trainer, folder = trained
    own = (OwnPrompt((1, 2, 3, 4, 5), 7), OwnPrompt((5, 4, 3, 2, 1)))
    paper = replace(PAPER, held_out=own, length_wish=-2.0)

    found = measured(trainer, tiny.Engine(), paper, Policy("new", str(folder)), BASE)

    assert len(found.corrections) == 6
    assert len(found.refusals) == 16
    assert (found.people, len(found.rewards)) == ((7, None), 2)
    assert found.length_wish == -2.0
    assert set(found.seconds) == {"texts", "answers", "questions", "KL", "contests", "rewards"}


def test_a_parent_that_is_no_base_model_is_measured_as_well(trained):
    _, folder = trained
    trainer = LocalTrainer(tiny.model())
    trainer.create_from(folder)
    new, old = Policy("new", str(folder)), Policy("old", str(folder))

    found = measured(trainer, tiny.Engine(noise=0.0), PAPER, new, old)

    # Nothing was trained since: the parent's numbers are the policy's, and not the base's.
    assert found.questions.change.mean == 0
    assert found.questions.change_from_base.mean != 0
    assert found.rewards.change.mean == 0
