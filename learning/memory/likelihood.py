"""How likely a model finds the right answers after a window.

A model of 135M parameters cannot answer LoCoMo, so what it would say tells little; how much
likelier the right answer becomes with one window than with another does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

from inference.tokenizer import ChatTokenizer
from learning.memory.counting import Layout, Piece
from learning.memory.dialogue import Question

ASKING = "{} Answer in a few words."


@torch.no_grad()
def log_likelihoods(
    model: PreTrainedModel,
    tokenizer: ChatTokenizer,
    layout: Layout,
    pieces: Sequence[Piece],
    questions: Sequence[Question],
) -> list[float]:
    """For each question's answer the mean log-probability of its tokens, in nats.

    What the prompts begin with in common, the window, is computed once.
    """
    prompts = [
        tokenizer.prompt_ids(layout.chat(pieces, ASKING.format(question.text)))
        for question in questions
    ]
    # transformers leaves this untyped.
    untyped: Any = model
    shared, cache, means = _shared(prompts), DynamicCache(), []
    if shared:
        _states(model, prompts[0][:shared], cache)
    for prompt, question in zip(prompts, questions, strict=True):
        answer = tokenizer.encode(question.answer)
        rest = prompt[shared:] + answer[:-1]
        states = _states(model, rest, cache)[-len(answer) :]
        cache.crop(-len(rest))
        logprobs = untyped.get_output_embeddings()(states).float().log_softmax(dim=1)
        right = torch.tensor(answer, device=logprobs.device)[:, None]
        means.append(float(logprobs.gather(1, right).mean()))
    return means


def _states(model: PreTrainedModel, token_ids: list[int], cache: DynamicCache) -> torch.Tensor:
    """The last layer's states of tokens that follow those in the cache; it takes them up too."""
    untyped: Any = model
    ids = torch.tensor([token_ids], device=untyped.device)
    run = untyped.get_decoder()(input_ids=ids, past_key_values=cache, use_cache=True)
    states: torch.Tensor = run.last_hidden_state[0]
    return states


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """How many first tokens the prompts have in common, leaving each at least one."""
    shortest = min(map(len, prompts)) - 1
    for place in range(shortest):
        if len({prompt[place] for prompt in prompts}) > 1:
            return place
    return shortest
