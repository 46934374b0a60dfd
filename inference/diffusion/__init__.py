"""Memory Diffusion: the dialogue as editable memory inside the model's own context.

Pure functions over frozen values. `admit` takes a message in, `diffuse` makes the window fit by
mask, allocate and refill, `to_messages` reads it as a dialogue.
"""

from inference.diffusion.admit import admit, with_needs
from inference.diffusion.importance import importance
from inference.diffusion.loop import diffuse
from inference.diffusion.prompt import beginning, to_messages
from inference.diffusion.window import (
    Action,
    Block,
    Change,
    Diffusion,
    Exchange,
    Kind,
    Window,
    forget,
    from_json,
    to_json,
)

__all__ = [
    "Action",
    "Block",
    "Change",
    "Diffusion",
    "Exchange",
    "Kind",
    "Window",
    "admit",
    "beginning",
    "diffuse",
    "forget",
    "from_json",
    "importance",
    "to_json",
    "to_messages",
    "with_needs",
]
