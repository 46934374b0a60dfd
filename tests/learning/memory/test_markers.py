"""The adapter that answers at marks, on a tiny random model."""

from __future__ import annotations

import pytest
import torch

from inference.diffusion.marker import answers, readings
from learning.memory import markers
from learning.memory.dialogue import Dialogue, Question, Turn
from learning.memory.lessons import blocks_of, lessons
from learning.policy import lora
from learning.policy.trainer import Lora
from tests.learning import tiny

TOKENIZER = tiny.tokenizer()
ENCODE = TOKENIZER.encode


def dialogue(cities):
    turns, questions = [], []
    for number, city in enumerate(cities):
        turns.append(Turn(f"D1:{2 * number + 1}", "Ana", f"I saw {city}.", 1, "1 May 2026"))
        turns.append(Turn(f"D1:{2 * number + 2}", "Ben", "Oh nice!", 1, "1 May 2026"))
        quote = f"I saw {city}."
        questions.append(Question("?", city, (f"D1:{2 * number + 1}",), "fact", quote))
    return Dialogue("d", tuple(turns), tuple(questions))


@pytest.fixture
def made():
    talk = dialogue(["Rome", "Cebu", "Oslo", "Lima"])
    return blocks_of(talk, TOKENIZER), talk


def test_what_is_read_is_the_log_odds_of_the_two_words_at_each_mark(made):
    blocks, _ = made
    base = tiny.model()
    yes, no = answers(ENCODE)

    needs = markers.read(base, blocks, {0, 1}, ENCODE)

    (reading,) = readings(blocks, {0, 1}, ENCODE)
    logits = base(torch.tensor([reading.token_ids])).logits[0]
    expected = [float(logits[place, yes] - logits[place, no]) for place in reading.places]
    assert needs[0] + needs[1] == pytest.approx(expected, abs=1e-3)


def test_the_adapter_learns_which_sentences_are_asked_about(made):
    blocks, talk = made
    adapted = lora.attach(tiny.model(), Lora(rank=8, alpha=16))
    given = lessons(talk, blocks, ENCODE)
    losses = []

    markers.train(
        adapted,
        given * 80,
        ENCODE,
        learning_rate=1e-2,
        progress=lambda step, steps, loss: losses.append(loss),
    )

    needs = markers.read(adapted, blocks, {block.id for block in blocks}, ENCODE)
    asked = [needs[block.id][0] for block in blocks if block.role == "Ana"]
    others = [needs[block.id][0] for block in blocks if block.role == "Ben"]
    assert losses[-1] < 0.5 * losses[0]
    assert min(asked) > max(others)


def test_the_base_itself_stays_as_it_was(made):
    blocks, talk = made
    base = tiny.model()
    before = {name: weight.clone() for name, weight in base.named_parameters()}
    adapted = lora.attach(base, Lora(rank=4, alpha=8))

    markers.train(adapted, lessons(talk, blocks, ENCODE) * 8, ENCODE, learning_rate=1e-2)

    adapted.unload()
    assert all(torch.equal(weight, before[name]) for name, weight in base.named_parameters())
