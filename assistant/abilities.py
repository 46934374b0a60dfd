"""What the model that answers here can do besides reading and writing text."""

from __future__ import annotations

from django.conf import settings

from inference.profiles import Abilities, abilities


def of_model() -> Abilities:
    return abilities(settings.MODEL_PATH)
