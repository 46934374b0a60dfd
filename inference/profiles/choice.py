"""Which profile a model's folder has. Read once for a folder: a model does not change in place."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from inference.profiles import generic, idefics3, kimi_k2, qwen3, qwen3_vl, smollm2
from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.pictures import Pictures
from inference.profiles.profile import Lora, Profile

FAMILIES = {
    family.name: family
    for family in (
        smollm2.FAMILY,
        qwen3.FAMILY,
        qwen3_vl.FAMILY,
        idefics3.FAMILY,
        kimi_k2.FAMILY,
        generic.FAMILY,
    )
}
NAME_IN = "DANAS_PROFILE"
TOWER_IN = "DANAS_TOWER_LORA"


class UnknownProfile(ValueError):
    """`DANAS_PROFILE` names none; the text says which there are."""


def family_of(checkpoint: Checkpoint, name: str = "") -> Family:
    """By name where one is given, else the first that fits; `generic` where none does.

    Raises:
        UnknownProfile: there is none of that name.
    """
    if name:
        if name not in FAMILIES:
            raise UnknownProfile(f"{NAME_IN}: {name!r} is none of {', '.join(FAMILIES)}")
        return FAMILIES[name]
    return next((each for each in FAMILIES.values() if each.fits(checkpoint)), generic.FAMILY)


def profile_of(folder: Path) -> Profile:
    """The profile of a model's folder, or of the family that `DANAS_PROFILE` names.

    Raises:
        UnknownProfile: it names none.
    """
    return _read(folder)[0]


def pictures_of(folder: Path) -> Pictures | None:
    """How the model's pictures become tokens; None for one that is text only."""
    profile, pictures = _read(folder)
    return pictures if profile.images else None


def lora_of(folder: Path) -> Lora:
    """What adapters of this model may change: its vision tower too where `DANAS_TOWER_LORA` is on
    and vLLM can serve that."""
    profile = profile_of(folder)
    with_tower = os.environ.get(TOWER_IN) == "on"
    return (profile.tower_lora if with_tower else None) or profile.lora


def _read(folder: Path) -> tuple[Profile, Pictures | None]:
    name = os.environ.get(NAME_IN, "")
    # A model that is still to be downloaded is looked at again.
    if not (folder / "config.json").exists():
        return _known.__wrapped__(folder, name)
    return _known(folder, name)


@cache
def _known(folder: Path, name: str) -> tuple[Profile, Pictures | None]:
    checkpoint = Checkpoint.read(folder)
    family = family_of(checkpoint, name)
    profile = _within(family.profile(checkpoint), checkpoint)
    return profile, family.pictures(checkpoint) if family.pictures else None


def _within(profile: Profile, checkpoint: Checkpoint) -> Profile:
    """Window and answer cut down to what the model reaches, an answer to a fourth of that."""
    text = checkpoint.config.get("text_config", checkpoint.config)
    reach = text.get("max_position_embeddings", profile.window_tokens + profile.answer_tokens)
    if profile.window_tokens + profile.answer_tokens <= reach:
        return profile
    answer = min(profile.answer_tokens, reach // 4)
    window = min(profile.window_tokens, reach - answer)
    return replace(profile, window_tokens=window, answer_tokens=answer)
