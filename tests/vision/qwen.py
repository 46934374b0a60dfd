"""A Qwen3-VL of about a million parameters, with a tokenizer and a processor of its own.

The folder is one that transformers and vLLM load as they load the real ones.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from tests.vision import dialogues

END, TURN_END = "<|endoftext|>", "<|im_end|>"
IMAGE = "<|image_pad|>"
MARKS = (
    END,
    "<|im_start|>",
    TURN_END,
    "<|vision_start|>",
    "<|vision_end|>",
    IMAGE,
    "<|video_pad|>",
)
# More tokens than the texts have use for: unused ones cost little.
VOCABULARY = 512
PATCH, MERGE = 16, 2
# Whatever its size, a picture becomes about nine tokens.
PIXELS = 96 * 96
WINDOW = 4096

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


def config() -> Qwen3VLConfig:
    ids = {mark: number for number, mark in enumerate(MARKS)}
    rope = {
        "rope_type": "default",
        "rope_theta": 10_000.0,
        "mrope_interleaved": True,
        "mrope_section": [6, 5, 5],
    }
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
            "rope_parameters": rope,
            "tie_word_embeddings": True,
            "eos_token_id": ids[TURN_END],
            "pad_token_id": ids[END],
        },
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 2,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
            "out_hidden_size": 128,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=ids[IMAGE],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def model(seed: int = 0) -> Qwen3VLForConditionalGeneration:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Qwen3VLForConditionalGeneration(config())
    made.generation_config = GenerationConfig(
        eos_token_id=[MARKS.index(TURN_END), MARKS.index(END)], pad_token_id=MARKS.index(END)
    )
    return made


def tokenizer() -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(MARKS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(dialogues.texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token=TURN_END,
        pad_token=END,
        model_max_length=WINDOW,
        clean_up_tokenization_spaces=False,
    )


def processor() -> Qwen3VLProcessor:
    look = {
        "patch_size": PATCH,
        "merge_size": MERGE,
        "temporal_patch_size": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "size": {"shortest_edge": PIXELS, "longest_edge": PIXELS},
    }
    return Qwen3VLProcessor(
        Qwen2VLImageProcessor(**look),
        tokenizer(),
        Qwen3VLVideoProcessor(**look),
        chat_template=TEMPLATE.strip(),
    )


def save(made: Qwen3VLForConditionalGeneration, folder: Path) -> None:
    """In bfloat16, as it is served and trained."""
    made.to(torch.bfloat16).save_pretrained(folder)
    processor().save_pretrained(folder)
