"""A model that no other profile is for: text in, text out, and adapters on its language layers.

Its layers have to have the names that Llama's have; the engine refuses to start otherwise.
"""

from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.profile import Profile

PROFILE = Profile(
    name="generic",
    title="a model without a profile of its own",
    temperature=0.2,
    top_p=0.9,
    window_tokens=2048,
    answer_tokens=512,
)


def profile(checkpoint: Checkpoint) -> Profile:
    return PROFILE


FAMILY = Family(name=PROFILE.name, model_types=(), profile=profile)
