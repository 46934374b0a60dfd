"""The model that says names, with a trainer that remembers what it was asked."""

from __future__ import annotations

from collections import Counter

import pytest
from PIL import Image

from learning.policy.trainer import Output
from learning.recipes.few_shot_images.gallery import Picture
from learning.recipes.few_shot_images.speaker import Language, Speaker, Tuning


class Trainer:
    """Knows a name as well as it was told to; only the verbs that the recipe uses."""

    def __init__(self, known: dict[tuple[int, ...], float]) -> None:
        self.known = known
        self.done: list[object] = []

    def unload(self):
        self.done.append("unload")

    def create(self, lora):
        self.done.append(lora)

    def forward_backward(self, data, loss):
        self.done.append(data)
        return Output(0.0, ())

    def optim_step(self, adam):
        self.done.append(adam)
        return 0.0

    def logprobs(self, data, weights):
        return tuple((self.known[datum.response],) for datum in data)


def spoken(name: str) -> tuple[int, ...]:
    return (*name.encode(), 0)


# Each picture of its own is a prompt of its own.
LANGUAGE = Language(ask=lambda picture: tuple(picture.content[-20:]), say=spoken)
ANT, BEETLE, CRICKET = (
    Picture.of(Image.new("RGB", (2, 2), colour), name)
    for name, colour in (("ant", "red"), ("beetle", "green"), ("cricket", "blue"))
)


def test_the_likeliest_name_is_what_it_says():
    trainer = Trainer({spoken("ant"): -3.0, spoken("beetle"): -1.0, spoken("cricket"): -2.0})

    said = Speaker(trainer, LANGUAGE).classify(ANT, ["ant", "beetle", "cricket"])

    assert said == "beetle"


def test_every_example_comes_as_often_as_every_other():
    trainer = Trainer({})

    Speaker(trainer, LANGUAGE).learn([ANT, BEETLE, CRICKET], Tuning(steps=6, batch=4), seed=0)

    batches = [done for done in trainer.done if isinstance(done, list)]
    counts = Counter(datum.response for batch in batches for datum in batch)
    # 6 steps of 4, over 3 pictures.
    assert counts == {spoken("ant"): 8, spoken("beetle"): 8, spoken("cricket"): 8}


def test_a_step_weighs_its_examples_alike_and_the_rate_falls():
    trainer = Trainer({})

    Speaker(trainer, LANGUAGE).learn([ANT], Tuning(steps=2, batch=4, learning_rate=0.1), seed=0)

    _, lora, batch, first, _, second = trainer.done
    # A fourth for each token of "ant" and of its end.
    assert batch[0].weights == (0.25, 0.25, 0.25, 0.25)
    assert (first.learning_rate, second.learning_rate) == pytest.approx((0.1, 0.05))
    assert (lora.rank, lora.alpha) == (8, 16)


def test_before_any_example_there_is_a_fresh_adapter_and_no_step():
    trainer = Trainer({})

    Speaker(trainer, LANGUAGE).learn([], Tuning(), seed=3)

    taken_off, lora = trainer.done
    assert taken_off == "unload"
    assert lora.seed == 3
