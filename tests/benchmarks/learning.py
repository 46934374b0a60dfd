"""What learning costs on the embedded model: a LoRA step, features, a judgement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from learning.config import FEATURE_DIMENSIONS, RewardConfig, UpdateConfig
from learning.policy import backbone, losses
from learning.policy.local import LocalTrainer, _numbers
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind, Weights
from learning.reward.features import pool
from learning.reward.model import Head, Pair, Thumb
from tests.inference.conftest import MODEL

PROMPT_TOKENS = 60
REPEATS = 4
CONFIG = UpdateConfig()
Row = dict[str, Any]


def run() -> list[tuple[str, list[Row]]]:
    """All of them, as titles and rows."""
    disable_progress_bar()
    model = backbone.load(MODEL)
    return [
        ("LoRA step: seconds a step, 8 prompts of 60 tokens, 4 samples of 32", [step(model)]),
        ("Reward head: milliseconds a judgement, features at hand", [head()]),
        ("Features: milliseconds an answer", [features(model, n) for n in (32, 128, 512)]),
    ]


def step(model: PreTrainedModel) -> Row:
    """Forward, backward and optimizer of one step, and the reference pass of its KL term."""
    trainer = LocalTrainer(model)
    trainer.create(Lora(CONFIG.rank, CONFIG.alpha))
    data = _samples()
    loss = Loss(LossKind.PPO, kl_weight=CONFIG.kl_weight)
    seconds: dict[str, list[float]] = {}

    def timed(name: str, act: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = act()
        seconds.setdefault(name, []).append(time.perf_counter() - started)
        return result

    for _ in range(REPEATS):
        timed("reference", lambda: trainer.logprobs(data, Weights.REFERENCE))
        for batch in trainer._batches(data):
            logprobs = timed(
                "forward", lambda batch=batch: trainer._score(batch, data, loss.temperature)
            )
            numbers = _numbers(batch, data, logprobs.device)
            timed("backward", losses.total(loss, logprobs, *numbers).backward)
        timed("optimizer", lambda: trainer.optim_step(Adam(CONFIG.learning_rate)))
    trainer.unload()
    # The first repeat is a warm-up, and a step has several batches.
    per_step = {
        name: sum(values[len(values) // REPEATS :]) / (REPEATS - 1)
        for name, values in seconds.items()
    }
    total = sum(per_step.values())
    return {
        "threads": torch.get_num_threads(),
        **{f"{name}_s": round(value, 3) for name, value in per_step.items()},
        "total_s": round(total, 3),
        "sampled_tokens_per_s": round(sum(len(d.response) for d in data) / total),
    }


def head(events: int = 200) -> Row:
    """One more judgement into the head, with and without its way through bytes."""
    config = RewardConfig()
    random = np.random.default_rng(0)
    answers = random.normal(size=(events, FEATURE_DIMENSIONS)).astype(np.float32)
    answers /= FEATURE_DIMENSIONS**0.5
    one = Head.prior(FEATURE_DIMENSIONS, config)
    update_ms, stored_ms = [], []
    for number, answer in enumerate(answers):
        event = Pair(answer, answers[0]) if number % 3 == 2 else Thumb(answer, number % 3 == 0)
        started = time.perf_counter()
        one = one.after(event, config)
        updated = time.perf_counter()
        one = Head.from_bytes(one.to_bytes())
        update_ms.append(1000 * (updated - started))
        stored_ms.append(1000 * (time.perf_counter() - started))
    return {
        "events": events,
        "update_median_ms": round(statistics.median(update_ms), 3),
        "update_p95_ms": round(float(np.quantile(update_ms, 0.95)), 3),
        "with_bytes_median_ms": round(statistics.median(stored_ms), 3),
        "head_kb": round(len(one.to_bytes()) / 1024, 1),
    }


def features(model: PreTrainedModel, tokens: int) -> Row:
    """One answer alone, as it arrives."""
    answer = (_tokens(PROMPT_TOKENS, 0), _tokens(tokens, 1))
    pool(model, [answer])
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        pool(model, [answer])
        taken.append(1000 * (time.perf_counter() - started))
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "answer_tokens": tokens,
        "median_ms": round(statistics.median(taken), 1),
    }


def _samples() -> list[Datum]:
    length = CONFIG.max_new_tokens
    return [
        Datum(
            _tokens(PROMPT_TOKENS, prompt),
            _tokens(length, 100 * prompt + sample),
            weights=((-1.0) ** sample / 1000,) * length,
            sampled_logprobs=(-5.0,) * length,
            reference_logprobs=(-5.0,) * length,
        )
        for prompt in range(CONFIG.prompts)
        for sample in range(CONFIG.samples)
    ]


def _tokens(count: int, seed: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(5, 49_000, (count,), generator=generator).tolist())
