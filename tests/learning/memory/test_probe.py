"""The probe that reads what is worth remembering, with a tiny random model."""

from __future__ import annotations

import numpy as np
import pytest

from inference.diffusion import Window, admit
from inference.diffusion.marker import readings
from learning.memory import probe, shipped
from learning.memory.dialogue import Dialogue, Question, Turn
from learning.memory.lessons import blocks_of, lessons
from learning.memory.probe import PRIOR_SHIFT, Probe
from learning.memory.traits import COUNT, traits
from tests.learning import tiny
from tests.system.stack import MODEL, make_model

TOKENIZER = tiny.tokenizer()


@pytest.fixture(scope="module")
def base_model():
    make_model()
    return MODEL


def talk(*said):
    window = Window("")
    for number, (role, text) in enumerate(said):
        window = admit(window, f"m{number}", role, text, TOKENIZER)
    return window.blocks


def test_what_tells_the_sentences_apart_is_learned():
    chance = np.random.default_rng(0)
    features = chance.normal(size=(400, COUNT + 8))
    needed = (features[:, 3] > 0).astype(float)

    made = Probe.fit(features, needed)

    read = made.log_odds(features)
    assert read[needed == 1].min() > read[needed == 0].max() - 0.05
    assert np.argmax(np.abs(made.weights)) == 3


def test_the_prior_is_strong_and_the_share_of_asked_sentences_is_kept():
    """Features of noise say nothing: every sentence then gets the share's log-odds, shifted."""
    chance = np.random.default_rng(0)
    features = chance.normal(size=(4000, COUNT + 2))
    needed = (np.arange(4000) % 4 == 0).astype(float)

    read = Probe.fit(features, needed).log_odds(features)

    # A quarter: ln(1/3) = -1.0986.
    assert read.mean() == pytest.approx(-1.0986 + PRIOR_SHIFT, abs=0.01)
    assert read.std() < 0.05


def test_a_probe_needs_both_kinds():
    with pytest.raises(ValueError, match="both kinds"):
        Probe.fit(np.ones((3, COUNT + 2)), np.ones(3))


def test_a_probe_is_the_same_after_it_was_saved(tmp_path):
    features = np.random.default_rng(1).normal(size=(50, COUNT + 2))
    made = Probe.fit(features, (features[:, 0] > 0).astype(float))

    made.save(tmp_path / "probe.npz")

    again = Probe.load(tmp_path / "probe.npz")
    assert np.array_equal(again.log_odds(features), made.log_odds(features))


def test_a_probe_of_another_model_says_so():
    made = Probe(np.zeros(5, np.float32), 0.0)

    with pytest.raises(ValueError, match="6 features, where the probe has 5"):
        made.log_odds(np.zeros((1, 6)))


def test_a_sentence_is_described_by_its_traits_and_the_states_of_two_layers():
    blocks = talk(("user", "It rained. I moved to Cebu."), ("assistant", "Nice."))
    (reading,) = readings(blocks, {0, 1}, TOKENIZER.encode, plain=True)

    features = probe.describe(tiny.model(), reading, blocks)

    assert features.shape == (3, COUNT + 2 * 64)
    assert features[1, :COUNT].tolist() == pytest.approx(
        traits(" I moved to Cebu.", is_first=False, is_long=False)
    )


def test_a_sentence_is_read_given_what_was_said_before_it():
    described = []
    for before in ("What is your dog called?", "What is your boat called?"):
        blocks = talk(("user", before), ("user", "Biscuit."))
        (reading,) = readings(blocks, {1}, TOKENIZER.encode, plain=True)
        described.append(probe.describe(tiny.model(), reading, blocks))

    assert not np.allclose(*described)


def test_what_the_assistant_said_is_worth_less_than_what_a_person_said():
    base = tiny.model()
    nothing = Probe(np.zeros(COUNT + 2 * 64, np.float32), 0.5)
    blocks = talk(("user", "It rained. Yes."), ("assistant", "Good."))

    needs = probe.read(nothing, base, blocks, {0, 1}, TOKENIZER.encode)

    assert needs == {0: [-1.0, -1.0], 1: [-2.0]}


def test_only_what_is_unread_is_read():
    nothing = Probe(np.zeros(COUNT + 2 * 64, np.float32), 0.0)
    blocks = talk(("user", "It rained."), ("user", "I moved."))

    needs = probe.read(nothing, tiny.model(), blocks, {1}, TOKENIZER.encode)

    assert list(needs) == [1]


@pytest.mark.parametrize(
    ("sentence", "seen"),
    [
        ("I moved to Cebu with Ana.", {2: 2, 6: True, 8: False}),
        ("Did you call in May?", {2: 1, 4: 1, 8: True}),
        ("Thanks!", {9: True, 10: True, 13: True}),
        ("We had 3 dogs.", {3: True, 6: True, 12: 1}),
        ("", {0: 0.0, 1: 0.0}),
    ],
)
def test_names_numbers_times_and_persons_are_seen(sentence, seen):
    found = traits(sentence, is_first=True, is_long=False)

    assert len(found) == COUNT
    assert {place: found[place] for place in seen} == seen


def test_a_sentence_that_is_asked_about_is_known_by_the_questions_quote():
    turns = (
        Turn("D1:1", "Ana", "Hi! I moved to Cebu. How are you?", 1, "1 May 2026"),
        Turn("D1:2", "Ben", "Fine. Congrats!", 1, "1 May 2026"),
    )
    question = Question("Where does Ana live?", "Cebu", ("D1:1",), "fact", "I moved to Cebu.")
    dialogue = Dialogue("d", turns, (question,))

    (lesson,) = lessons(dialogue, blocks_of(dialogue, TOKENIZER), TOKENIZER.encode, plain=True)

    assert lesson.is_needed == (False, True, False, False, False)


def test_danas_comes_with_a_probe_for_its_embedded_model(base_model, tmp_path):
    made = shipped.probe(base_model, tmp_path)

    assert made is not None
    assert made.weights.shape == (COUNT + 2 * 576,)


def test_a_probe_that_was_made_here_comes_before_the_one_that_danas_comes_with(
    base_model, tmp_path
):
    mine = Probe(np.zeros(COUNT + 2 * 576, np.float32), 7.0)
    mine.save(shipped.file_of(base_model, tmp_path))

    assert shipped.probe(base_model, tmp_path).bias == 7.0
