"""Kimi K2: a mixture of experts of a trillion parameters with tools, as "Instruct" or "Thinking".

Its layers are DeepSeek V3's. Attention is compressed (MLA): vLLM folds `kv_b_proj` into other
weights and joins the two that compress into one module, so adapters are on what is left of
attention and on the layers that every token passes: the first one's, and the shared experts'. The
routed experts are 384 a layer; an adapter on each would be as large as another model.
"""

from dataclasses import replace

from inference.profiles.checkpoint import Checkpoint, Family
from inference.profiles.profile import Lora, Profile, Thinking

LAYERS = ("q_b_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PATTERN = (
    r"(model\.)+layers\.\d+\.(self_attn\.(q_b_proj|o_proj)"
    r"|mlp\.(shared_experts\.)?(gate_proj|up_proj|down_proj))"
)
INSTRUCT = Profile(
    name="kimi_k2",
    title="Kimi K2",
    # The tokenizer is a program that comes with the model.
    engine_flags=("--trust-remote-code",),
    tool_parser="kimi_k2",
    lora=Lora(layers=LAYERS, pattern=PATTERN),
    temperature=0.6,
    top_p=0.95,
    window_tokens=16384,
    answer_tokens=4096,
)
THINKING = replace(
    INSTRUCT,
    reasoning_parser="kimi_k2",
    thinking=Thinking.ALWAYS,
    temperature=1.0,
    window_tokens=32768,
    answer_tokens=16384,
)


def profile(checkpoint: Checkpoint) -> Profile:
    """The Thinking template words earlier reasoning; the other does not know the mark."""
    return THINKING if "<think>" in checkpoint.template else INSTRUCT


FAMILY = Family(name=INSTRUCT.name, model_types=("kimi_k2",), profile=profile)
