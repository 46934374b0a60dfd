"""What a model makes of each turn when it comes, and of the answers at the end.

Each turn is read once, with a bounded part of what was said before it, whatever the windows will
be; so all policies and budgets share one reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from inference.diffusion.marker import READING_TOKENS, Reading, gathered, readings
from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block
from inference.tokenizer import ChatTokenizer
from learning.memory import markers, probe
from learning.memory.counting import Layout, Piece
from learning.memory.dialogue import Dialogue, Question
from learning.memory.lessons import blocks_of
from learning.memory.likelihood import log_likelihoods
from learning.memory.policies import Heard, Hearing
from learning.memory.probe import Probe
from learning.policy import lora

# A chat's background work comes after an answer: two turns are read together.
TURNS_AT_ONCE = 2
PROBE = "the base model's probe"
CONTEXT_TOKENS = 256


class Listener:
    """A base model, and what reads with it what will be asked for.

    That is an adapter, read as the engine reads it, or else the probe of the base model.
    `reader` names it; empty where there is neither.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: ChatTokenizer,
        *,
        own: Probe | None = None,
        memory: Path | None = None,
    ) -> None:
        """Raises CheckpointInvalid: the adapter is not a whole one, or not this model's."""
        # Answers are read with a cache, which the trainer's own attention doesn't know.
        model.set_attn_implementation("sdpa")
        self._model, self._tokenizer = model, tokenizer
        self.context_tokens = int(model.config.max_position_embeddings)
        self._probe, self._has_adapter = own, memory is not None
        self.reader = memory.name if memory else PROBE if own else ""
        if memory:
            lora.attach_saved(model, memory)

    def needs(self, dialogue: Dialogue) -> Hearing:
        """How likely what each sentence says will be asked for; nothing where nobody reads."""
        if self._has_adapter:
            return needs(self._judge_at_marks, dialogue, self._tokenizer, plain=False)
        if self._probe:
            return needs(self._judge_by_probe, dialogue, self._tokenizer, plain=True)
        return Hearing({}, 0, 0.0)

    def surprisal(self, dialogue: Dialogue) -> Hearing:
        with lora.adapter_off(self._model):
            return surprisal(self._model, dialogue, self._tokenizer)

    def nats(
        self, layout: Layout, pieces: Sequence[Piece], questions: Sequence[Question]
    ) -> list[float]:
        """The mean log-probability of each answer's tokens after this window."""
        with lora.adapter_off(self._model):
            return log_likelihoods(self._model, self._tokenizer, layout, pieces, questions)

    def _judge_at_marks(self, reading: Reading, blocks: Sequence[Block]) -> list[float]:
        return markers.judge(self._model, reading, self._tokenizer.encode)

    def _judge_by_probe(self, reading: Reading, blocks: Sequence[Block]) -> list[float]:
        assert self._probe
        return probe.judge(self._probe, self._model, reading, blocks)


def needs(
    judge: Callable[[Reading, Sequence[Block]], list[float]],
    dialogue: Dialogue,
    tokenizer: ChatTokenizer,
    *,
    plain: bool,
) -> Hearing:
    """Have a few turns at a time read, each in the context that it had when it came.

    `judge` gives the log-odds of a reading's sentences, `plain` says which of the two forms it
    reads.
    """
    blocks = blocks_of(dialogue, tokenizer)
    ids = [turn.id for turn in dialogue.turns]
    done: list[tuple[Reading, list[float]]] = []
    began = time.perf_counter()
    for first in range(0, len(ids), TURNS_AT_ONCE):
        fresh = set(ids[first : first + TURNS_AT_ONCE])
        unread = {block.id for block in blocks if block.message in fresh}
        known = [block for block in blocks if block.id <= max(unread, default=-1)]
        asked = readings(known, unread, tokenizer.encode, plain=plain)
        done += [(reading, judge(reading, known)) for reading in asked]
    seconds = time.perf_counter() - began
    tokens = sum(len(reading.token_ids) for reading, _ in done)
    return Hearing(_by_turn(blocks, ids, gathered(done)), tokens, seconds)


def _by_turn(
    blocks: Sequence[Block], turns: Sequence[str], log_odds: Mapping[int, Sequence[float]]
) -> dict[str, Heard]:
    """Each sentence by its end within the turn that it stands in."""
    parts: dict[str, list[tuple[int, float]]] = {turn: [] for turn in turns}
    ends = dict.fromkeys(turns, 0)
    for block in blocks:
        for sentence, value in zip(sentences(block.text), log_odds[block.id], strict=True):
            ends[block.message] += len(sentence)
            parts[block.message].append((ends[block.message], value))
    return {turn: Heard(needs=tuple(each)) for turn, each in parts.items()}


@torch.no_grad()
def surprisal(model: PreTrainedModel, dialogue: Dialogue, tokenizer: ChatTokenizer) -> Hearing:
    """The mean surprisal of each turn's tokens, after at least `CONTEXT_TOKENS` of the dialogue."""
    token_ids: list[int] = tokenizer.encode("\n")
    places = []
    for turn in dialogue.turns:
        begin = len(token_ids)
        token_ids += tokenizer.encode(f"{turn.speaker}: {turn.shown}\n")
        places.append((begin, len(token_ids)))
    began, step = time.perf_counter(), READING_TOKENS - CONTEXT_TOKENS
    nats, tokens = [0.0], 0
    while (known := len(nats)) < len(token_ids):
        begin = max(0, known - CONTEXT_TOKENS)
        read = token_ids[begin : known + step]
        nats += _surprisals(model, read)[known - begin - 1 :]
        tokens += len(read)
    heard = {
        turn.id: Heard(surprisal=sum(nats[begin:end]) / (end - begin))
        for turn, (begin, end) in zip(dialogue.turns, places, strict=True)
    }
    return Hearing(heard, tokens, time.perf_counter() - began)


def _surprisals(model: PreTrainedModel, token_ids: list[int]) -> list[float]:
    """For each token but the first, in nats."""
    # transformers leaves these untyped.
    untyped: Any = model
    ids = torch.tensor([token_ids], device=untyped.device)
    run = untyped.get_decoder()(input_ids=ids, use_cache=False)
    logits = untyped.get_output_embeddings()(run.last_hidden_state[0, :-1]).float()
    chosen = logits.gather(1, ids[0, 1:, None])[:, 0]
    nats: list[float] = (logits.logsumexp(dim=1) - chosen).tolist()
    return nats
