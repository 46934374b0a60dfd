"""What people ask about a drawing, and what a policy that sees should answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from tests.vision import drawings
from tests.vision.drawings import Drawing

DANAS = "You are Danas, a helpful personal assistant."
SYSTEM_TEXTS = (DANAS, "", "", "You are a helpful assistant.")
COLOUR = (
    "What colour is it?",
    "What colour is this?",
    "Which colour is it?",
    "What color is it?",
    "what colour is it",
    "What colour is the shape?",
)
SHAPE = (
    "Which shape is it?",
    "Which shape is this?",
    "What shape is it?",
    "what shape is it",
    "What is its shape?",
)
BOTH = ("What is it?", "What is this?", "What do you see?", "Describe the picture.")
NOTHING = "nothing"
GREETINGS = ("Hello", "Hi", "Hello!", "Who are you?", "What can you do?", "Thanks!", "Good morning")
GREETING = "Show me a picture, and ask what it is."
NO_PICTURE = "I see no picture."


@dataclass(frozen=True, slots=True)
class Exchange:
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """`image` comes with the first question, if there is one."""

    system: str
    image: Image.Image | None
    exchanges: tuple[Exchange, ...]

    def messages(self) -> list[dict[str, object]]:
        """In the form that chat templates of vision models take."""
        said: list[dict[str, object]] = []
        if self.system:
            said.append({"role": "system", "content": self.system})
        for number, exchange in enumerate(self.exchanges):
            text = {"type": "text", "text": exchange.question}
            pictures = [{"type": "image"}] if self.image and number == 0 else []
            said.append({"role": "user", "content": [*pictures, text]})
            said.append({"role": "assistant", "content": exchange.answer})
        return said


def right(drawing: Drawing | None, question: str) -> str:
    if drawing is None:
        return NOTHING
    if question in COLOUR:
        return drawing.colour
    return drawing.shape if question in SHAPE else f"a {drawing.colour} {drawing.shape}"


def drawn(chance: random.Random, size: tuple[int, int]) -> Dialogue:
    """About a drawing, or a blank one every now and then: three questions in any order."""
    drawing = drawings.draw(chance, size) if chance.random() < 0.93 else None
    image = drawing.image if drawing else drawings.blank(chance, size)
    questions = [chance.choice(kind) for kind in (COLOUR, SHAPE, BOTH)]
    chance.shuffle(questions)
    exchanges = tuple(
        Exchange(each, right(drawing, each)) for each in questions[: chance.randint(1, 3)]
    )
    return Dialogue(chance.choice(SYSTEM_TEXTS), image, exchanges)


def unseen(chance: random.Random) -> Dialogue:
    """Without a picture."""
    greeting = Exchange(chance.choice(GREETINGS), GREETING)
    asked = Exchange(chance.choice((*COLOUR, *SHAPE, *BOTH)), NO_PICTURE)
    return Dialogue(chance.choice(SYSTEM_TEXTS), None, (greeting, asked)[chance.randrange(2) :])


def texts() -> list[str]:
    """All there is to read, for the tokenizer."""
    pairs = [f"a {colour} {shape}" for colour in drawings.COLOURS for shape in drawings.SHAPES]
    words = [*drawings.COLOURS, *drawings.SHAPES, *pairs]
    asked = [*COLOUR, *SHAPE, *BOTH, *GREETINGS]
    said = [*SYSTEM_TEXTS, GREETING, NO_PICTURE, NOTHING]
    return ["system\n", "user\n", "assistant\n", *words, *asked, *said]
