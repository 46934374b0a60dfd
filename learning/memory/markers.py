"""Trains the adapter that judges at the marks which sentences will be asked about.

Supervised, on dialogues whose evidence is known: the right word at each mark is yes or no.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Module, functional

from inference.diffusion.marker import Reading, answers, gathered, readings
from inference.diffusion.window import Block, Encoder
from learning.memory.lessons import Lesson
from learning.policy import backbone

# Blocks and the ids of those that are unread, to the log-odds of their sentences.
Read = Callable[[Sequence[Block], set[int]], dict[int, list[float]]]


def read(
    model: Module, blocks: Sequence[Block], unread: set[int], encode: Encoder
) -> dict[int, list[float]]:
    """The log-odds of every sentence in the blocks with these ids, as the engine reads them."""
    asked = readings(blocks, unread, encode)
    return gathered([(reading, judge(model, reading, encode)) for reading in asked])


@torch.no_grad()
def judge(model: Module, reading: Reading, encode: Encoder) -> list[float]:
    """The log-odds at each place of a reading."""
    yes, no = answers(encode)
    logits = at_marks(model, reading)
    log_odds: list[float] = (logits[:, yes] - logits[:, no]).tolist()
    return log_odds


def at_marks(model: Module, reading: Reading) -> Float[Tensor, "mark word"]:
    """The head's logits at each place of a reading."""
    run = backbone.run_alone(model, reading.token_ids, output_hidden_states=False)
    # transformers leaves this untyped.
    head: Any = model
    logits: Tensor = head.get_output_embeddings()(run.last_hidden_state[0, reading.places])
    return logits.float()


def train(
    model: Module,
    given: Sequence[Lesson],
    encode: Encoder,
    *,
    learning_rate: float = 4e-4,
    batch: int = 4,
    seed: int = 0,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> None:
    """One pass over the lessons in a random order; the learning rate falls to nothing.

    `progress` hears of each step, how many there are, and its mean loss in nats a mark.
    """
    yes, no = answers(encode)
    order = list(given)
    random.Random(seed).shuffle(order)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.0)
    steps = max(1, len(order) // batch)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 10) * (1 - step / steps)
        total = 0.0
        for lesson in order[step * batch : (step + 1) * batch]:
            right = torch.tensor([yes if each else no for each in lesson.is_needed])
            logits = at_marks(model, lesson.reading)
            loss = functional.cross_entropy(logits, right.to(logits.device)) / batch
            torch.autograd.backward(loss)
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        progress(step, steps, total)
