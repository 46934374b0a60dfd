"""A vision-language model that is shown a picture and says the name of its class.

It is tuned with the trainer's verbs alone, by cross entropy on the names: the loop does not know
whether the model is on this machine. It classifies by which of the names it finds the likeliest
answer, end of turn included, so that a name is not likelier for being the beginning of another.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transformers import AutoTokenizer

from inference.contracts import Chat, ChatMessage, ImageRef
from learning.policy import vision
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import (
    Adam,
    Datum,
    Lora,
    Loss,
    LossKind,
    TokenIds,
    Trainer,
    Weights,
)
from learning.recipes.few_shot_images.gallery import QUESTION, Picture


@dataclass(frozen=True, slots=True)
class Tuning:
    """The learning rate falls to nothing over the steps."""

    steps: int = 40
    batch: int = 16
    learning_rate: float = 5e-4
    rank: int = 8


@dataclass(frozen=True, slots=True)
class Language:
    """How a model is asked about a picture, and how it says a name."""

    ask: Callable[[Picture], TokenIds]
    say: Callable[[str], TokenIds]


def language(folder: Path, question: str = QUESTION) -> Language:
    """Of the model in a folder, with the processor that lies beside it."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def say(name: str) -> TokenIds:
        return (*tokenizer.encode(name, add_special_tokens=False), tokenizer.eos_token_id)

    return Language(partial(_asked, vision.eyes(folder), question), say)


def _asked(eyes: vision.Eyes, question: str, picture: Picture) -> SeenPrompt:
    digest = hashlib.sha256(picture.content).hexdigest()
    image = ImageRef(digest, digest, *picture.opened().size)
    message = ChatMessage("user", question, images=(image,))
    return eyes.prompt(Chat((message,), {digest: (picture.content, "image/png")}))


class Speaker:
    """A trainer that holds a vision-language model, with at most one adapter at a time."""

    def __init__(self, trainer: Trainer, language: Language) -> None:
        self._trainer = trainer
        self._language = language
        self._asked: dict[Picture, TokenIds] = {}

    def learn(self, examples: Sequence[Picture], tuning: Tuning, seed: int) -> None:
        """Begin a fresh adapter, and tune it on the examples; on none, it changes nothing."""
        self._trainer.unload()
        self._trainer.create(Lora(rank=tuning.rank, alpha=2 * tuning.rank, seed=seed))
        if not examples:
            return
        loss = Loss(LossKind.CROSS_ENTROPY)
        batches = _batches(examples, tuning.batch, random.Random(seed))
        for step in range(tuning.steps):
            batch = next(batches)
            self._trainer.forward_backward([self._datum(each, len(batch)) for each in batch], loss)
            left = 1 - step / tuning.steps
            self._trainer.optim_step(Adam(learning_rate=tuning.learning_rate * left))

    def classify(self, picture: Picture, labels: Sequence[str]) -> str:
        prompt = self._prompt(picture)
        data = [Datum(prompt, self._language.say(label)) for label in labels]
        found = self._trainer.logprobs(data, Weights.POLICY)
        return max(zip(found, labels, strict=True), key=lambda each: sum(each[0]))[1]

    def _datum(self, picture: Picture, batch: int) -> Datum:
        response = self._language.say(picture.label)
        return Datum(self._prompt(picture), response, weights=(1 / batch,) * len(response))

    def _prompt(self, picture: Picture) -> TokenIds:
        if picture not in self._asked:
            self._asked[picture] = self._language.ask(picture)
        return self._asked[picture]


def _batches(
    examples: Sequence[Picture], size: int, chance: random.Random
) -> Iterator[list[Picture]]:
    """Without end; every example comes as often as every other."""
    waiting: list[Picture] = []
    while True:
        while len(waiting) < size:
            waiting += chance.sample(list(examples), len(examples))
        batch, waiting = waiting[:size], waiting[size:]
        yield batch
