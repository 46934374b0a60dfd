import numpy as np
import pytest

from learning.config import RewardConfig
from learning.reward.batch import Heard, best_prior_sd, fit, heard_from, refit
from learning.reward.model import Head, Thumb, read

CONFIG = RewardConfig()


def heard(count: int, *, strength: float = 3.0, seed: int = 0) -> tuple[Heard, list[Thumb]]:
    """Thumbs by a hidden preference for the first of five features."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 5)).astype(np.float32)
    liked = random.random(count) < 1 / (1 + np.exp(-strength * features[:, 0]))
    thumbs = [Thumb(one, is_up=bool(like)) for one, like in zip(features, liked, strict=True)]
    said = [read(thumb, CONFIG) for thumb in thumbs]
    in_folds = [[2.0 * ((number + fold) % 2) for fold in range(8)] for number in range(count)]
    made = heard_from(
        [each.direction for each in said], [each.weight for each in said], in_folds, 6, 8
    )
    return made, thumbs


def test_at_the_mode_prior_and_judgements_balance():
    made, _ = heard(60)

    found = fit(made, CONFIG)

    agreement = made.directions @ found.mean
    sure = 1 / (1 + np.exp(-agreement))
    pull = made.weights * 0.8 * sure * (1 - sure) / (0.1 + 0.8 * sure)
    prior = 1 / np.array([4.0] * 5 + [1.0]) ** 2
    np.testing.assert_allclose(made.directions.T @ pull, prior * found.mean, atol=1e-4)


def test_one_judgement_at_a_time_comes_near_the_fit_at_once():
    made, thumbs = heard(200)
    head = Head.prior(5, CONFIG)
    for thumb in thumbs:
        head = head.after(thumb, CONFIG)

    found = fit(made, CONFIG)

    cosine = head.mean @ found.mean / np.linalg.norm(head.mean) / np.linalg.norm(found.mean)
    assert cosine > 0.97


def test_nothing_heard_leaves_the_prior():
    found = fit(heard_from([], [], [], 6, 8), CONFIG)

    np.testing.assert_array_equal(found.mean, np.zeros(6))
    np.testing.assert_allclose(np.diag(found.covariance), [16.0] * 5 + [1.0])
    assert found.evidence == pytest.approx(0)


def test_the_evidence_prefers_a_prior_of_the_right_size():
    assert best_prior_sd(heard(300, strength=0.0)[0], CONFIG) == min(CONFIG.prior_sds)
    assert best_prior_sd(heard(300, strength=12.0)[0], CONFIG) > 1


def test_an_offset_is_what_is_known_already():
    made, _ = heard(200)
    common = fit(made, CONFIG)
    offsets = made.directions @ common.mean

    rest = fit(Heard(made.directions, made.weights, offsets, made.in_folds), CONFIG)

    assert np.linalg.norm(rest.mean) < 0.2 * np.linalg.norm(common.mean)


def test_a_refit_has_folds_that_heard_their_halves():
    made, _ = heard(80)

    head = refit(made, 90, CONFIG)

    assert head.taken_in == 90
    # Even folds heard one half of the judgements, odd folds the other.
    np.testing.assert_array_equal(head.folds[0], head.folds[2])
    assert np.abs(head.folds[0] - head.folds[1]).max() > 0.1
    assert head.to_bytes() == refit(made, 90, CONFIG).to_bytes()
