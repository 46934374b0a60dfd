"""SmolLM2, the embedded model among them: text, without reasoning or tools.

The 135M turns to nonsense above a temperature of about 0.5, and calls no tools; nor do the larger
ones by a format that vLLM has a parser for.
"""

from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.profile import Profile

PROFILE = Profile(
    name="smollm2",
    title="SmolLM2",
    temperature=0.2,
    top_p=0.9,
    window_tokens=2048,
    answer_tokens=512,
)


def profile(checkpoint: Checkpoint) -> Profile:
    return PROFILE


# They are Llamas by their configuration.
FAMILY = Family(name=PROFILE.name, model_types=("llama",), mark="SmolLM", profile=profile)
