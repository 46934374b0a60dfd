import math
import statistics

import pytest
import torch

from learning.config import UpdateConfig
from learning.errors import NothingToLearnFrom
from learning.policy import kto, lora
from learning.policy.kto import Judged
from learning.policy.local import LocalTrainer
from learning.policy.progress import newest
from learning.policy.trainer import Datum, Lora, Weights

from .. import tiny

CONFIG = UpdateConfig(algorithm="kto", steps=6, prompts=4, samples=2, learning_rate=3e-3, rank=4)


def judged(count: int = 12) -> list[Judged]:
    return [Judged(tiny.tokens(5, n), tiny.tokens(6, 100 + n), n % 3 == 0) for n in range(count)]


def run(folder, config=CONFIG, progress=None, resume=None):
    trainer = LocalTrainer(tiny.model())
    trainer.create(Lora(config.rank, config.alpha))
    reports = []
    note = progress or reports.append
    state = kto.train(trainer, judged(), config, folder, note, resume=resume)
    return trainer, state, reports


def test_liked_answers_gain_on_disliked_ones(tmp_path):
    trainer, _, reports = run(tmp_path)

    data = [Datum(each.prompt, each.response) for each in judged()]
    before = trainer.logprobs(data, Weights.REFERENCE)
    after = trainer.logprobs(data, Weights.POLICY)
    gains = [sum(a) - sum(b) for a, b in zip(after, before, strict=True)]
    liked = statistics.mean(g for g, each in zip(gains, judged(), strict=True) if each.is_liked)
    others = statistics.mean(
        g for g, each in zip(gains, judged(), strict=True) if not each.is_liked
    )
    assert liked > others + 1
    assert reports[0].reward == 0
    assert reports[-1].reward > 0


def test_both_sides_weigh_the_same_together():
    balanced = kto.balance([Judged((1,), (2,), True), *[Judged((1,), (3,), False)] * 3])

    # Four examples: two for the one that is liked, two for the three that are not.
    assert [each.weight for each in balanced] == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_one_side_alone_is_refused():
    with pytest.raises(NothingToLearnFrom, match="some that they did not"):
        kto.balance([Judged((1,), (2,), True)])


def test_an_answer_that_has_not_moved_is_worth_a_half():
    batch = [Judged((1,), (2,), True), Judged((1,), (2,), False)]

    found = kto.values([0.0, 0.0], 0.0, batch, beta=0.1)

    assert found == (0.5, 0.5)
    # beta · value · (1 - value), upwards for the liked one.
    assert kto.weights(found, batch, beta=0.1) == pytest.approx((0.025, -0.025))


def test_weights_are_the_loss_s_derivative():
    batch = [Judged((1,), (2,), True, 1.5), Judged((1,), (2,), False, 0.5)]
    gains, z0, beta = torch.tensor([2.0, -1.0], requires_grad=True), 0.7, 0.3
    sides = torch.tensor([1.0, -1.0])
    counts = torch.tensor([1.5, 0.5])

    (counts * (1 - torch.sigmoid(beta * sides * (gains - z0)))).sum().backward()
    found = kto.weights(kto.values(gains.tolist(), z0, batch, beta), batch, beta)

    assert found == pytest.approx([-g for g in gains.grad.tolist()])


def test_every_example_is_seen_once_before_any_is_seen_again():
    examples = judged(12)

    batches = [kto._batch(examples, CONFIG, step) for step in range(3)]

    assert [len(batch) for batch in batches] == [8, 8, 8]
    seen = [each for batch in batches for each in batch]
    assert len(set(seen[:12])) == len(set(seen[12:])) == 12


def test_a_run_that_was_killed_goes_on_to_the_same_adapter(tmp_path):
    def die(report):
        if report.step == 3:
            raise InterruptedError

    _, whole, _ = run(tmp_path / "whole")
    with pytest.raises(InterruptedError):
        run(tmp_path / "killed", progress=die)
    _, resumed, reports = run(tmp_path / "killed", resume=newest(tmp_path / "killed", CONFIG))

    assert [report.step for report in reports] == [4, 5, 6]
    one, other = (lora.read(state.folder)[1] for state in (whole, resumed))
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=1e-6)


def test_the_figures_are_finite_numbers(tmp_path):
    _, _, reports = run(tmp_path)

    assert all(math.isfinite(r.loss + r.kl + r.gradient_norm) for r in reports)
