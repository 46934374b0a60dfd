"""What Danas knows of a model that it serves: frozen, and free of Django and any ML library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

# The layers of a language model that adapters change. Wrapping its head as well would make vLLM
# copy a vocabulary's worth of weights for every token on a CPU, adapter or not.
LANGUAGE_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# `language_model` and `text_model` are what vision-language models call their language part.
IN_LANGUAGE = r"(model\.)+((language_model|text_model)\.)?layers\.\d+\.(self_attn|mlp)\."


class Thinking(StrEnum):
    """Whether a model reasons before it answers; `SWITCHED` if each request may choose."""

    NEVER = "never"
    ALWAYS = "always"
    SWITCHED = "switched"


class InWindow(StrEnum):
    """What becomes of an answer's reasoning when the answer is part of a later prompt."""

    KEPT = "kept"
    SHORTENED = "shortened"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """Which layers an adapter may change, for the learner and for the engine.

    `pattern` matches the whole name of a module of the model in transformers; PEFT's "all-linear"
    would also reach the vision tower, whose adapters vLLM ignores unless it is told. `layers` are
    the last parts of those names, or whole names in vLLM's model, by which vLLM chooses the
    modules that it wraps. `has_tower` says that the vision tower and its connector are among them.
    """

    layers: tuple[str, ...] = LANGUAGE_LAYERS
    pattern: str = IN_LANGUAGE + f"({'|'.join(LANGUAGE_LAYERS)})"
    has_tower: bool = False

    def with_tower(self, layers: tuple[str, ...], pattern: str) -> Lora:
        every = tuple(dict.fromkeys((*self.layers, *layers)))
        return Lora(layers=every, pattern=f"({self.pattern}|{pattern})", has_tower=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one model is served, trained and talked to.

    `reasoning_parser` and `tool_parser` are vLLM's names, empty for none. `switch` is the variable
    of the chat template that turns reasoning on and off. `images` is how many pictures a prompt
    may have at most, 0 for a model that is text only. `processor` is what its image processor is
    told besides its own configuration: the engine's and the learner's alike, or the learner would
    train on other tokens than were sampled after. `tower_lora` is `lora` with the vision tower,
    where vLLM can serve that. `chat_template` stands in for the template in the model's folder.
    """

    name: str
    title: str
    engine_flags: tuple[str, ...] = ()
    chat_template: Path | None = None
    reasoning_parser: str = ""
    thinking: Thinking = Thinking.NEVER
    switch: str = ""
    reasoning_in_window: InWindow = InWindow.DROPPED
    tool_parser: str = ""
    images: int = 0
    processor: Mapping[str, Any] = field(default_factory=dict)
    lora: Lora = field(default_factory=Lora)
    tower_lora: Lora | None = None
    temperature: float = 0.7
    top_p: float = 0.9
    window_tokens: int = 4096
    answer_tokens: int = 1024

    def template(self, *, thinks: bool = True) -> Mapping[str, Any]:
        """What the chat template is told (`chat_template_kwargs`) to reason, or not to."""
        return {self.switch: thinks} if self.switch else {}
