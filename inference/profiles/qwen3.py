"""Qwen3: text models with tools, which reason always, never, or as they are asked.

The first ones ("Qwen3-8B") are switched by `enable_thinking`; those of 2507 are either "Instruct"
or "Thinking". config.json is the same for all; the end of the template differs. A reasoning parser
on an Instruct model would take its whole answer for reasoning. Sampling is as the models' cards
advise, but for top-k, which Danas does not use.
"""

from dataclasses import replace

from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.profile import Profile, Thinking

INSTRUCT = Profile(
    name="qwen3",
    title="Qwen3",
    # Tool calls are JSON within <tool_call>, as Hermes 2 Pro wrote them.
    tool_parser="hermes",
    temperature=0.7,
    top_p=0.8,
    window_tokens=8192,
    answer_tokens=2048,
)
SWITCH = "enable_thinking"
# Reasoning counts as answer, so an answer gets more room.
THINKING = replace(
    INSTRUCT,
    reasoning_parser="qwen3",
    thinking=Thinking.ALWAYS,
    temperature=0.6,
    top_p=0.95,
    answer_tokens=8192,
)


def profile(checkpoint: Checkpoint) -> Profile:
    found = fitting(checkpoint, INSTRUCT, THINKING)
    return found if checkpoint.can_call else replace(found, tool_parser="")


def fitting(checkpoint: Checkpoint, instruct: Profile, thinking: Profile) -> Profile:
    """Which of the two a checkpoint is, by how its template begins an answer."""
    if SWITCH in checkpoint.prompt:
        return replace(thinking, thinking=Thinking.SWITCHED, switch=SWITCH)
    return thinking if "<think>" in checkpoint.prompt else instruct


FAMILY = Family(name=INSTRUCT.name, model_types=("qwen3", "qwen3_moe"), profile=profile)
