"""What a vision-language model needs beside token ids: its processor's tensors, and positions.

Replies to one prompt with pictures share its row as those to a text do, so the tower runs once for
them all. Rows with pictures are not batched with others: how tensors of several rows are put
together differs from model to model, and one row of pictures is long as it is.

Qwen's models rotate by time, height and width: a picture's tokens have positions of their own in
each, and the text after it goes on behind the longest. The model says them itself
(`get_rope_index`); what it is told is which tokens stand for pictures.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import AutoProcessor, PreTrainedModel

from inference.contracts import Chat, ChatMessage
from learning.errors import PicturesMissing
from learning.policy.packing import Axes, Batch, in_order, pack
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import TokenIds

# What a processor gives beside the pictures themselves.
OF_THE_TEXT = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"})
# Prompts whose tensors are kept: passes over one step's data follow each other.
REMEMBERED = 16


def sees(model: PreTrainedModel) -> bool:
    return hasattr(model.config, "vision_config")


@cache
def eyes(folder: Path) -> Eyes:
    """Those of the model in this folder, loaded once a process."""
    return Eyes(AutoProcessor.from_pretrained(folder))


class Eyes:
    """A model's processor: chats with pictures to prompts, prompts to the model's tensors."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._look)

    @property
    def mark(self) -> int:
        """The token that stands for a part of a picture."""
        return int(self._processor.image_token_id)

    def prompt(self, chat: Chat) -> SeenPrompt:
        """As the engine puts it into tokens, to the place where the assistant is to speak."""
        rendered = self._processor.apply_chat_template(
            [_turn(message) for message in chat.messages],
            add_generation_prompt=True,
            tokenize=False,
            **chat.template,
        )
        bare = SeenPrompt((), chat)
        images = [_opened(content) for content in bare.pictures]
        found = self._processor(text=[rendered], images=images or None, return_tensors="pt")
        return SeenPrompt(found["input_ids"][0].tolist(), chat)

    def tensors(self, prompt: SeenPrompt) -> Mapping[str, Tensor]:
        """What the model takes for the prompt's pictures, by its own names.

        Raises:
            PicturesMissing: the prompt's tokens have room for more or fewer than there are.
        """
        return self._remembered(prompt)

    def _look(self, prompt: SeenPrompt) -> Mapping[str, Tensor]:
        images = [_opened(content) for content in prompt.pictures]
        found: Mapping[str, Tensor] = {}
        if images:
            marks = self._processor.image_token * len(images)
            found = self._processor(text=[marks], images=images, return_tensors="pt")
        wanted = int((found["input_ids"] == self.mark).sum()) if images else 0
        if prompt.count(self.mark) != wanted:
            raise PicturesMissing(
                f"A prompt has {prompt.count(self.mark)} tokens for pictures, and its "
                f"{len(images)} pictures take {wanted}."
            )
        return {name: value for name, value in found.items() if name not in OF_THE_TEXT}


@dataclass(frozen=True, slots=True)
class Sight:
    """A vision model with its eyes, as packing asks it."""

    model: PreTrainedModel
    eyes: Eyes

    def axes_of(self, prompt: TokenIds) -> Axes:
        untyped: Any = self.model.base_model
        if not isinstance(prompt, SeenPrompt) or not hasattr(untyped, "get_rope_index"):
            return in_order(prompt)
        tensors = self.eyes.tensors(prompt)
        ids = torch.tensor([prompt])
        positions, _ = untyped.get_rope_index(
            ids,
            mm_token_type_ids=(ids == self.eyes.mark).int(),
            image_grid_thw=tensors.get("image_grid_thw"),
        )
        axes: Axes = positions[:, 0].tolist()
        return axes

    def shown(self, batch: Batch) -> Batch:
        """The batch with its pictures; one that has any is a single row."""
        prompt = batch.rows[0].prompt
        if not isinstance(prompt, SeenPrompt):
            if any(self.eyes.mark in row.prompt for row in batch.rows):
                raise PicturesMissing("A prompt has tokens for pictures, and no pictures.")
            return batch
        tensors = self.eyes.tensors(prompt)
        return replace(
            batch,
            tokens=self._without_strays(batch.tokens, len(prompt)),
            pictures={name: value.to(batch.tokens.device) for name, value in tensors.items()},
        )

    def _without_strays(self, tokens: Tensor, length: int) -> Tensor:
        """A policy may have sampled the mark itself, for which there is no picture. The model
        would look for one, so the mark is read as another token there."""
        tokens = tokens.clone()
        said = tokens[:, length:]
        said[said == self.eyes.mark] = 0
        return tokens


def batches(model: PreTrainedModel, sequences: Sequence[tuple[TokenIds, TokenIds]]) -> list[Batch]:
    """Batches that hold every (prompt, response) once, with the tensors of their pictures.

    Raises:
        PicturesMissing: a prompt's tokens and its pictures do not belong together.
    """
    if not sees(model):
        return pack(sequences, model.device)
    sight = Sight(model, eyes(Path(str(model.config.name_or_path))))
    packed = pack(sequences, model.device, axes_of=sight.axes_of)
    return [sight.shown(batch) for batch in packed]


def _turn(message: ChatMessage) -> dict[str, object]:
    """A message as chat templates take it, pictures before the text."""
    if not message.images:
        return {"role": message.role, "content": message.content}
    text = [{"type": "text", "text": message.content}] if message.content else []
    return {"role": message.role, "content": [*({"type": "image"} for _ in message.images), *text]}


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")
