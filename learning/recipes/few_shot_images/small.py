"""A Qwen3-VL of 1.3 million parameters, for machines that cannot run the real one.

Its shape is the real one's (tower with deepstack, three-axis rotation, chat template, processor),
its size is not, and all that it has learned is to name drawings of emoji. transformers, vLLM and
the trainer load its folder like any other.

Training can stop at any step and go on from there in another process.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from learning.recipes.few_shot_images.emoji import SIDE, Drawing
from learning.recipes.few_shot_images.gallery import QUESTION

END, TURN_END, IMAGE = "<|endoftext|>", "<|im_end|>", "<|image_pad|>"
MARKS = (
    END,
    "<|im_start|>",
    TURN_END,
    "<|vision_start|>",
    "<|vision_end|>",
    IMAGE,
    "<|video_pad|>",
)
VOCABULARY = 1024
WINDOW = 4096
PATCH, MERGE = 8, 2

STEPS, BATCH = 1000, 32
LEARNING_RATE, WARM_UP, WEIGHT_DECAY = 1e-3, 100, 0.05
STATE = "state.pt"

TEMPLATE = """
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.content is string %}
        {{- message.content }}
    {%- else %}
        {%- for part in message.content %}
            {%- if part.type == 'image' or 'image' in part or 'image_url' in part %}
                {{- '<|vision_start|><|image_pad|><|vision_end|>' }}
            {%- elif 'text' in part %}
                {{- part.text }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def make(folder: Path, drawings: Sequence[Drawing], steps: int, deadline: float) -> bool:
    """Train the model until its folder is whole, or until the deadline (`time.monotonic`).

    Returns whether it is whole.
    """
    if folder.exists():
        return True
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    eyes = processor(sorted({drawing.name for drawing in drawings}))
    model = fresh()
    if not _train(model, eyes, drawings, steps, deadline, unfinished / STATE):
        return False
    (unfinished / STATE).unlink(missing_ok=True)
    eyes.save_pretrained(unfinished)
    model.to(torch.bfloat16).save_pretrained(unfinished)
    unfinished.rename(folder)
    return True


def fresh(seed: int = 0) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3VLForConditionalGeneration(config())
    ends = [MARKS.index(TURN_END), MARKS.index(END)]
    model.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=MARKS.index(END))
    return model


def config() -> Qwen3VLConfig:
    return Qwen3VLConfig(
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "max_position_embeddings": WINDOW,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_interleaved": True,
                "mrope_section": [6, 5, 5],
            },
            "tie_word_embeddings": True,
            "eos_token_id": MARKS.index(TURN_END),
            "pad_token_id": MARKS.index(END),
        },
        vision_config={
            "depth": 4,
            "hidden_size": 96,
            "intermediate_size": 192,
            "num_heads": 3,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
            "out_hidden_size": 128,
            "num_position_embeddings": (SIDE // PATCH) ** 2,
            "deepstack_visual_indexes": [2],
        },
        image_token_id=MARKS.index(IMAGE),
        video_token_id=MARKS.index("<|video_pad|>"),
        vision_start_token_id=MARKS.index("<|vision_start|>"),
        vision_end_token_id=MARKS.index("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def processor(names: Sequence[str]) -> Any:
    """Its words are pieces of these names; any other can be spelled. Pictures of any size become
    one of about `SIDE` by `SIDE`."""
    look = {
        "patch_size": PATCH,
        "merge_size": MERGE,
        "temporal_patch_size": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "size": {"shortest_edge": SIDE**2, "longest_edge": SIDE**2},
    }
    texts = ["user\n", "assistant\n", QUESTION, *names]
    return Qwen3VLProcessor(
        Qwen2VLImageProcessor(**look),
        _tokenizer(texts),
        Qwen3VLVideoProcessor(**look),
        chat_template=TEMPLATE.strip(),
    )


def _tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(MARKS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token=TURN_END,
        pad_token=END,
        model_max_length=WINDOW,
        clean_up_tokenization_spaces=False,
    )


def _train(
    model: Any, eyes: Any, drawings: Sequence[Drawing], steps: int, deadline: float, kept: Path
) -> bool:
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)
    begun = 0
    if kept.exists():
        state = torch.load(kept)
        begun = state["step"]
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    for step in range(begun, steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _share(step, steps)
        model(**_batch(eyes, drawings, random.Random(step))).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if time.monotonic() > deadline and step + 1 < steps:
            weights, moments = model.state_dict(), optimizer.state_dict()
            torch.save({"step": step + 1, "model": weights, "optimizer": moments}, kept)
            return False
    return True


def _share(step: int, steps: int) -> float:
    """Of the learning rate: up for a while, then down along a cosine."""
    down = 0.5 + 0.5 * math.cos(math.pi * step / steps)
    return min(1.0, (step + 1) / WARM_UP) * down


def _batch(eyes: Any, drawings: Sequence[Drawing], chance: random.Random) -> dict[str, Tensor]:
    """Drawings and their names; only the names, and that they end, are to be predicted."""
    drawn = [chance.choice(drawings) for _ in range(BATCH)]
    asked = [{"type": "image"}, {"type": "text", "text": QUESTION}]
    prompt = eyes.apply_chat_template(
        [{"role": "user", "content": asked}], add_generation_prompt=True, tokenize=False
    )
    found = eyes(
        text=[f"{prompt}{each.name}{TURN_END}" for each in drawn],
        images=[each.shown(chance).opened() for each in drawn],
        padding=True,
        return_tensors="pt",
    )
    start = len(eyes.tokenizer.encode(prompt)) + (SIDE // PATCH // MERGE) ** 2 - 1
    labels = found["input_ids"].masked_fill(found["attention_mask"] == 0, -100)
    labels[:, :start] = -100
    return {**found, "labels": labels}
