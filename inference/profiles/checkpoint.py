"""What a model's folder says of itself, read once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.profiles.pictures import Pictures
from inference.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The configurations and the chat template of a folder; empty where it has none.

    One family's folders differ: Qwen3's come with and without reasoning, and only the template
    tells them apart. `images` is the configuration of its image processor.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
    processor: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        processor = _json(folder / "processor_config.json")
        nested = processor.get("image_processor")
        return cls(
            config=_json(folder / "config.json"),
            template=_template(folder),
            processor=processor,
            images=nested or _json(folder / "preprocessor_config.json"),
        )

    @property
    def prompt(self) -> str:
        """The end of the template, which writes the beginning of an answer."""
        return self.template.rpartition("add_generation_prompt")[2]

    @property
    def can_call(self) -> bool:
        """Whether the template words tools."""
        return "tools" in self.template


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models of one kind: how to recognise them, and the profile of one of them.

    They are recognised by config.json's `model_type`, and where others share it, by a `mark` that
    their chat template has.
    """

    name: str
    model_types: tuple[str, ...]
    profile: Callable[[Checkpoint], Profile]
    mark: str = ""
    pictures: Callable[[Checkpoint], Pictures] | None = None

    def fits(self, checkpoint: Checkpoint) -> bool:
        kind = checkpoint.config.get("model_type")
        return kind in self.model_types and self.mark in checkpoint.template


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return content


def _template(folder: Path) -> str:
    """Where transformers looks: a file of its own, an older one, or the tokenizer's."""
    file = folder / "chat_template.jinja"
    if file.exists():
        return file.read_text("utf-8")
    for name in ("chat_template.json", "processor_config.json", "tokenizer_config.json"):
        template = _json(folder / name).get("chat_template")
        if isinstance(template, str):
            return template
    return ""
