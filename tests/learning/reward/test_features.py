import numpy as np
import pytest
import torch

from learning.policy.local import LocalTrainer
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind
from learning.reward.features import Extractor, Projection, pool

from .. import tiny


def answers(count: int, seed: int = 0):
    return [(tiny.tokens(4, n % 3), tiny.tokens(2 + n % 5, seed + n)) for n in range(count)]


def test_states_are_averaged_over_the_answer_s_tokens_alone():
    model = tiny.model()
    prompt, response = tiny.tokens(4, 0), tiny.tokens(3, 1)

    (pooled,) = pool(model, [(prompt, response)])

    layers = model.get_decoder()(
        torch.tensor([prompt + response]), output_hidden_states=True
    ).hidden_states
    # The embedding and two layers: the middle of three is the first layer.
    expected = torch.cat([layers[1][0, 4:].mean(dim=0), layers[2][0, 4:].mean(dim=0)])
    np.testing.assert_allclose(pooled, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_features_do_not_depend_on_the_batch():
    model, some = tiny.model(), answers(9)

    together = pool(model, some)

    alone = np.concatenate([pool(model, [answer]) for answer in some])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_features_are_the_base_s_whatever_adapter_is_on():
    trainer = LocalTrainer(tiny.model())
    before = pool(trainer.base, answers(3))
    trainer.create(Lora())
    trainer.forward_backward([Datum((1,), (2,), (1.0,))], Loss(LossKind.CROSS_ENTROPY))
    trainer.optim_step(Adam(learning_rate=0.1))

    np.testing.assert_array_equal(pool(trainer.base, answers(3)), before)
    assert any(p.requires_grad for p in trainer.base.parameters())


def test_both_layers_count_the_same_and_the_spectrum_falls():
    random = np.random.default_rng(0)
    pooled = random.normal(size=(40, 12)) * np.array([100.0] * 6 + [0.1] * 6)

    projection = Projection.fit(pooled, 12)

    features = projection.apply(pooled)
    assert np.square(features).sum(axis=1).mean() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(
        np.square(features).mean(axis=0), projection.spectrum, rtol=1e-3, atol=1e-6
    )
    assert list(projection.spectrum) == sorted(projection.spectrum, reverse=True)
    # Scaled to the same mean square, each layer has half of the variance.
    scaled = (pooled - projection.centre) / projection.scale
    assert np.square(scaled[:, :6]).sum(axis=1).mean() == pytest.approx(0.5)


def test_too_few_texts_cannot_give_so_many_axes():
    with pytest.raises(ValueError, match="cannot give 12 axes"):
        Projection.fit(np.zeros((12, 20)), 12)


def test_the_projection_is_fitted_once_and_then_kept(tmp_path):
    folder = tmp_path / "model"
    model = tiny.model()
    model.save_pretrained(folder)
    first = Extractor.for_model(model, folder, answers(140), tmp_path / "cache")

    second = Extractor.for_model(model, folder, [], tmp_path / "cache")

    assert len(list((tmp_path / "cache").iterdir())) == 1
    np.testing.assert_array_equal(first(answers(3)), second(answers(3)))
    assert first(answers(3)).shape == (3, 128)
    assert first(answers(3)).dtype == np.float32


def test_whoever_comes_second_does_not_overwrite_the_projection(tmp_path):
    random = np.random.default_rng(0)
    one, other = (Projection.fit(random.normal(size=(9, 4)), 4) for _ in range(2))
    one.save(tmp_path / "p.npz")

    other.save(tmp_path / "p.npz")

    np.testing.assert_array_equal(Projection.load(tmp_path / "p.npz").axes, one.axes)
    assert len(list(tmp_path.iterdir())) == 1
