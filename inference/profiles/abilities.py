"""What the policy can do, for those who make prompts for it and for those who show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.profiles.choice import profile_of
from inference.profiles.profile import InWindow, Profile, Thinking


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """`images` is how many pictures a prompt may have at most, 0 for none; `template` is what the
    chat template is told by default."""

    images: int = 0
    reasons: bool = False
    can_switch_reasoning: bool = False
    tools: bool = False
    reasoning_in_window: InWindow = InWindow.DROPPED
    template: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_chat(self) -> bool:
        """Whether the engine has to put requests into tokens and take answers apart itself."""
        return self.reasons or self.tools or self.images > 0


def abilities(model_folder: Path) -> Abilities:
    """Cheap enough for every request: a model's folder is read once."""
    return of(profile_of(model_folder))


def of(profile: Profile) -> Abilities:
    return Abilities(
        images=profile.images,
        reasons=bool(profile.reasoning_parser),
        can_switch_reasoning=profile.thinking is Thinking.SWITCHED,
        tools=bool(profile.tool_parser),
        reasoning_in_window=profile.reasoning_in_window,
        template=profile.template(),
    )


def what_is_off(profile: Profile) -> list[str]:
    """What an administrator may miss with this model, a sentence each."""
    sentences = []
    if profile.name == "generic":
        sentences.append(
            "No profile is for this model, so the generic one is used; DANAS_PROFILE names another."
        )
    if not profile.images:
        sentences.append("Images are off: the model is sent text only.")
    if not profile.reasoning_parser:
        sentences.append("Reasoning is off: whatever the model writes is its answer.")
    if not profile.tool_parser:
        sentences.append("Tools are off: the model is offered none, and its calls are not read.")
    return sentences
