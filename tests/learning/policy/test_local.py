import resource
from dataclasses import replace

import pytest
import torch

from learning.errors import CheckpointInvalid
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind, Weights

from .. import tiny

CROSS_ENTROPY = Loss(LossKind.CROSS_ENTROPY)


def examples(count: int = 4, **fields: tuple[float, ...]) -> list[Datum]:
    """Responses of three to six tokens, two to each prompt."""
    return [
        Datum(tiny.tokens(5, n // 2), response, weights=(1.0,) * len(response), **fields)
        for n in range(count)
        if (response := tiny.tokens(3 + n % 4, 100 + n))
    ]


def gradients(trainer: LocalTrainer) -> list[torch.Tensor]:
    return [p.grad.clone() for p in trainer.adapted.parameters() if p.grad is not None]


def plain_logprobs(model, datum: Datum, temperature: float = 1.0) -> torch.Tensor:
    """The textbook computation: one sequence, all logits, log-softmax."""
    ids = torch.tensor([datum.prompt + datum.response])
    logits = model(ids).logits[0].float() / temperature
    start = len(datum.prompt)
    scored = logits[start - 1 : -1].log_softmax(dim=1)
    return scored.gather(1, ids[0, start:, None]).squeeze(1)


def moved(trainer: LocalTrainer) -> LocalTrainer:
    """After one step, so that the adapter is no longer a change of zero."""
    trainer.forward_backward(examples(), CROSS_ENTROPY)
    trainer.optim_step(Adam(learning_rate=0.01))
    return trainer


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_log_probabilities_are_those_of_the_textbook(trainer, temperature):
    moved(trainer)
    data = examples(7)

    found = trainer.logprobs(data, Weights.POLICY, temperature=temperature)

    for datum, row in zip(data, found, strict=True):
        expected = plain_logprobs(trainer.base, datum, temperature)
        torch.testing.assert_close(torch.tensor(row), expected, rtol=1e-4, atol=1e-4)


def test_gradients_are_those_of_the_textbook(trainer):
    moved(trainer)
    data = examples(5)
    trainer.forward_backward(data, replace(CROSS_ENTROPY, temperature=0.7))
    found = gradients(trainer)
    trainer.adapted.zero_grad()

    sum(-plain_logprobs(trainer.base, datum, 0.7).sum() for datum in data).backward()

    for ours, theirs in zip(found, gradients(trainer), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_log_probabilities_do_not_depend_on_what_else_is_in_the_batch(trainer):
    moved(trainer)
    data = examples(8)

    together = trainer.logprobs(data, Weights.POLICY)
    alone = [trainer.logprobs([datum], Weights.POLICY)[0] for datum in data]

    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_exact_log_probabilities_are_not_rounded_to_the_weights_type():
    rounded = tiny.model().bfloat16()
    widened = tiny.model().bfloat16().float()
    trainers = [LocalTrainer(rounded), LocalTrainer(widened)]
    for each in trainers:
        each.create(Lora())
    data = examples()

    exact = trainers[0].logprobs(data, Weights.POLICY, exactly=True)

    wide = trainers[1].logprobs(data, Weights.POLICY)
    for one, other in zip(exact, wide, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    assert trainers[0].logprobs(data, Weights.POLICY) != exact


def test_a_fresh_adapter_equals_the_base(trainer):
    data = examples()

    assert trainer.logprobs(data, Weights.POLICY) == trainer.logprobs(data, Weights.BASE)


def test_zero_advantage_gives_zero_gradient(trainer):
    moved(trainer)
    data = [
        replace(datum, weights=(0.0,) * n, sampled_logprobs=(-1.0,) * n)
        for datum in examples()
        if (n := len(datum.response))
    ]

    trainer.forward_backward(data, Loss(LossKind.PPO))

    assert all(not gradient.any() for gradient in gradients(trainer))


def test_gradients_add_up_until_the_step_and_are_cleared_by_it(trainer):
    data = examples(4)
    trainer.forward_backward(data, CROSS_ENTROPY)
    at_once = gradients(trainer)
    trainer.adapted.zero_grad()

    trainer.forward_backward(data[:2], CROSS_ENTROPY)
    trainer.forward_backward(data[2:], CROSS_ENTROPY)
    in_parts = gradients(trainer)
    trainer.optim_step(Adam(learning_rate=0.01))

    for one, other in zip(at_once, in_parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert gradients(trainer) == []


def test_forward_alone_leaves_no_gradient(trainer):
    output = trainer.forward(examples(), CROSS_ENTROPY)

    assert gradients(trainer) == []
    assert output.loss == pytest.approx(-sum(map(sum, output.logprobs)), rel=1e-4)


def test_four_examples_are_learned_by_heart(trainer):
    data = examples(4)
    for _ in range(60):
        output = trainer.forward_backward(data, CROSS_ENTROPY)
        trainer.optim_step(Adam(learning_rate=0.01))

    # Two answers share each prompt, and which of them it is to be cannot be learned: 4 ln 2 nats.
    assert output.loss == pytest.approx(4 * 0.693, abs=0.3)


def test_the_reference_is_what_training_started_from(trainer, tmp_path):
    moved(trainer)
    state = trainer.save_state(tmp_path / "parent")
    data = examples()
    at_start = trainer.logprobs(data, Weights.POLICY)
    trainer.unload()

    trainer.create_from(state.folder)
    moved(trainer)

    assert trainer.logprobs(data, Weights.REFERENCE) == at_start
    assert trainer.logprobs(data, Weights.POLICY) != at_start


def test_a_step_back_leaves_half_of_the_way(trainer):
    start = [p.detach().clone() for p in trainer.adapted.parameters() if p.requires_grad]
    moved(trainer)
    end = [p.detach().clone() for p in trainer.adapted.parameters() if p.requires_grad]

    trainer.step_back(0.5)

    now = [p.detach() for p in trainer.adapted.parameters() if p.requires_grad]
    for before, after, half in zip(start, end, now, strict=True):
        torch.testing.assert_close(half, (before + after) / 2)


def test_a_saved_adapter_comes_back_as_it_was(trainer, tmp_path):
    moved(trainer)
    data = examples()
    state = trainer.save_state(tmp_path / "saved")
    other = LocalTrainer(tiny.model())

    other.create_from(state.folder)

    assert other.logprobs(data, Weights.POLICY) == trainer.logprobs(data, Weights.POLICY)


def test_unloading_leaves_the_base_as_it_was(trainer):
    data = examples()
    before = trainer.logprobs(data, Weights.BASE)
    moved(trainer)

    trainer.unload()

    expected = torch.cat([plain_logprobs(trainer.base, datum) for datum in data])
    torch.testing.assert_close(torch.tensor([x for row in before for x in row]), expected)


def test_only_linear_layers_of_the_language_model_are_trained(trainer):
    names = {name for name, p in trainer.adapted.named_parameters() if p.requires_grad}

    # Two layers with four attention and three feed-forward matrices, A and B of each.
    assert len(names) == 2 * 7 * 2
    assert all(".lora_A." in name or ".lora_B." in name for name in names)


def test_the_same_seed_draws_the_same_adapter():
    one, other = (LocalTrainer(tiny.model()) for _ in range(2))

    one.create(Lora(rank=2, alpha=4, seed=5))
    other.create(Lora(rank=2, alpha=4, seed=5))

    for a, b in zip(one.adapted.parameters(), other.adapted.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_an_adapter_of_another_shape_is_refused(tmp_path, trainer):
    state = trainer.save_state(tmp_path / "saved")
    (state.folder / "adapter_config.json").write_text('{"r": 2, "lora_alpha": 4}')

    with pytest.raises(CheckpointInvalid, match="another model"):
        LocalTrainer(tiny.model()).create_from(state.folder)


def test_a_truncated_adapter_is_refused(tmp_path, trainer):
    state = trainer.save_state(tmp_path / "saved")
    weights = state.folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])

    with pytest.raises(CheckpointInvalid, match="not a whole adapter"):
        LocalTrainer(tiny.model()).create_from(state.folder)


def test_an_adapter_is_never_overwritten(tmp_path, trainer):
    trainer.save_state(tmp_path / "saved")

    with pytest.raises(FileExistsError):
        trainer.save_state(tmp_path / "saved")


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path, trainer):
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            trainer.save_state(tmp_path / "saved")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    assert list(tmp_path.iterdir()) == []


def test_a_datum_without_a_prompt_is_refused():
    with pytest.raises(ValueError, match="one token or more"):
        Datum((), (1,))
