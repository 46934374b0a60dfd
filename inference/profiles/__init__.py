"""What differs from model to model, one file a family. Light: no Django, no ML library."""

from inference.profiles.abilities import Abilities, abilities, what_is_off
from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.choice import (
    FAMILIES,
    UnknownProfile,
    lora_of,
    pictures_of,
    profile_of,
)
from inference.profiles.pictures import Pictures
from inference.profiles.profile import InWindow, Lora, Profile, Thinking

__all__ = [
    "FAMILIES",
    "Abilities",
    "Checkpoint",
    "Family",
    "InWindow",
    "Lora",
    "Pictures",
    "Profile",
    "Thinking",
    "UnknownProfile",
    "abilities",
    "lora_of",
    "pictures_of",
    "profile_of",
    "what_is_off",
]
